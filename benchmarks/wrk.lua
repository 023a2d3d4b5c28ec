-- What wrk sends and counts. Arguments: the expected status and, to create users, a prefix that no
-- address has yet. The last line it prints is JSON.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  expected = tonumber(args[1])
  unexpected = 0
  if args[2] then
    local start = '{"email":"' .. args[2]
    local rest = '@example.com","password":"correct horse battery","name":"Ada Lovelace"}'
    local count = 0
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    function request()
      count = count + 1
      return wrk.format(nil, nil, nil, start .. count .. rest)
    end
  end
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
