-- For wrk: what is sent, and the figures of the run as one line of JSON.
-- Environment: MXD_REQUEST, "list" or "rename"; MXD_TOKEN of alice, or MXD_SAMPLE, a file with users
-- of whom each line begins with a token: then each request is another's.
local rename = os.getenv("MXD_REQUEST") == "rename"
local root = "/_matrix/client/v3/devices"
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init()
  tokens = {}
  if os.getenv("MXD_SAMPLE") then
    for line in io.lines(os.getenv("MXD_SAMPLE")) do
      tokens[#tokens + 1] = "Bearer " .. line:match("^%S+")
    end
    math.randomseed(number)
  else
    wrk.headers["Authorization"] = "Bearer " .. os.getenv("MXD_TOKEN")
  end
  if rename then
    wrk.method = "PUT"
    wrk.headers["Content-Type"] = "application/json"
  end
  sent = 0
end

function request()
  local device = string.format("BENCH%d", sent % 5)
  if #tokens > 0 then
    wrk.headers["Authorization"] = tokens[math.random(#tokens)]
    device = "DEVICE00000"
  end
  if not rename then return wrk.format(nil, root) end
  -- Another name each time: one that is there already is not written.
  sent = sent + 1
  local body = string.format('{"display_name":"Name %d of %d"}', sent, number)
  return wrk.format(nil, root .. "/" .. device, nil, body)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nJSON {"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "p99_9": %d, "errors": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    latency:percentile(99.9),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
