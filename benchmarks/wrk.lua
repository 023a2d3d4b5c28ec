-- Sends the requests of a file, whole and in turn. Arguments: the expected status, the file, in which
-- a zero byte ends each. The last line printed is JSON.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  expected = tonumber(args[1])
  unexpected, at, texts = 0, 0, {}
  local file = io.open(args[2], "rb")
  for each in file:read("*a"):gmatch("[^%z]+") do
    table.insert(texts, each)
  end
  file:close()
end

function request()
  at = at % #texts + 1
  return texts[at]
end

function response(status)
  if status ~= expected then
    unexpected = unexpected + 1
  end
end

function done(summary, latency)
  local failed = 0
  for _, thread in ipairs(threads) do
    failed = failed + thread:get("unexpected")
  end
  local errors = summary.errors
  failed = failed + errors.connect + errors.read + errors.write + errors.timeout
  print(string.format(
    '{"requests":%d,"seconds":%.6f,"p50":%.3f,"p99":%.3f,"failed":%d}',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, failed
  ))
end
