"""Bugs of other homeservers, planted before a real server to show that the suite sees them."""

from planted import deleting as deleting
from planted import dialogue as dialogue
from planted import leftovers as leftovers
from planted import reading as reading
from planted import rubbish as rubbish
from planted import services as services
from planted import sessions as sessions
from planted import writing as writing
from planted.bug import BUGS as BUGS
from planted.proxy import Proxy as Proxy
