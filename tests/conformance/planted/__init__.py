"""Bugs of other homeservers, planted before a real server to show that the suite sees them."""

from planted import bugs as bugs
from planted import deletion_bugs as deletion_bugs
from planted.bug import BUGS as BUGS
from planted.proxy import Proxy as Proxy
