-- Folding: from cells to the values of all windows, in one pass.

-- Takes one value into a running aggregate. Sums are compensated (Neumaier), spread is Welford's.
local function add_value(s, value)
  local sum = s.sum + value
  if math.abs(s.sum) >= math.abs(value) then
    s.rest = s.rest + ((s.sum - sum) + value)
  else
    s.rest = s.rest + ((value - sum) + s.sum)
  end
  s.sum = sum
  if value < s.least then s.least = value end
  if value > s.most then s.most = value end
  local delta = value - s.mean
  s.mean = s.mean + delta / s.n
  s.m2 = s.m2 + delta * (value - s.mean)
end

-- What a running aggregate says of a feature.
local outcome = {
  count = function(s) return s.n end,
  sum = function(s) return s.sum + s.rest + 0 end,
  avg = function(s) return s.n > 0 and (s.sum + s.rest) / s.n or NULL end,
  min = function(s) return s.n > 0 and s.least or NULL end,
  max = function(s) return s.n > 0 and s.most or NULL end,
  stddev = function(s) return s.n > 0 and math.sqrt(math.max(0, s.m2 / s.n)) or NULL end,
  share = function(s) return s.n > 0 and s.trues / s.n or NULL end,
  last = function(s) return s.n > 0 and s.last or NULL end,
}

-- A set of last-seen times that must hold something is gone (evicted, deleted): said once, then it starts anew.
local function lose_seen(call, log, i)
  call.lost = call.lost + 1
  log.seen[i] = empty_seen()
end

-- One pass from the newest cell to the oldest. A lane (a delay, a filter, a field) gathers from its delay on; as the
-- pass comes to an edge's age, the features whose window ends there are read off their lanes. Returns the vector and the
-- first moment at which a cell crosses an edge or an idle time ends.
local function fold(call, view, log, names, now)
  local first = first_after(view, log, now - view.keep)
  if first > 1 then
    log.cells = string.sub(log.cells, (first - 1) * view.cell_bytes + 1)
    log.cells_stored = false
  end

  local vector, valid_until = {}, INFINITE
  local cells, size, unpack = log.cells, view.cell_bytes, struct.unpack
  local lanes, active = {}, {}
  for i = 1, #view.lanes do lanes[i] = empty_lifetime() end

  local index = cell_count(view, log)
  local time, flags
  if index > 0 then time, flags = unpack('<dxxxxxxxxI4', cells, (index - 1) * size + 1) end
  local inside = nil
  for _, edge in ipairs(view.edges) do
    local limit = now - edge.age
    while index > 0 and time > limit do
      local at = (index - 1) * size + 1
      for k = 1, #active do
        local lane, s = view.lanes[active[k]], lanes[active[k]]
        if lane.mask == 0 or bit.band(flags, lane.mask) ~= 0 then
          local column = lane.column
          if column == 0 then -- counts alone
            s.n = s.n + 1
            if lane.true_mask ~= 0 and bit.band(flags, lane.true_mask) ~= 0 then s.trues = s.trues + 1 end
          elseif column < 0 then -- the event's own time
            if s.n == 0 then s.last = time end
            s.n = s.n + 1
          else
            local value = unpack('<d', cells, at + CELL_FIXED_BYTES + 8 * (column - 1))
            if value == value then
              if s.n == 0 then s.last = value end
              s.n = s.n + 1
              if lane.numeric then add_value(s, value) end
            end
          end
        end
      end
      inside = time
      index = index - 1
      if index > 0 then time, flags = unpack('<dxxxxxxxxI4', cells, at - size) end
    end
    if inside and edge.age > 0 then valid_until = math.min(valid_until, inside + edge.age) end
    for _, f in ipairs(edge.leave) do
      local feature = view.features[f]
      vector[f] = outcome[feature.op](lanes[feature.lane])
    end
    for _, i in ipairs(edge.enter) do active[#active + 1] = i end
  end

  for i, lifetime in ipairs(view.lifetimes) do
    local s = log.lifetimes[i]
    if s.arrival > -INFINITE then
      if now - s.arrival >= lifetime.idle then
        s = empty_lifetime()
        log.lifetimes[i] = s
      else
        valid_until = math.min(valid_until, s.arrival + lifetime.idle)
      end
    end
    for _, f in ipairs(lifetime.features) do vector[f] = outcome[view.features[f].op](s) end
  end

  for i, seen in ipairs(view.seen) do
    local fed_at, found = log.seen[i].fed_at, 0
    for _, window in ipairs(seen.windows) do
      found = 0
      if fed_at > now - window.length then
        found = redis.call('ZCOUNT', names.seen[i], '(' .. integer(now - window.length), '+inf')
      end
      vector[window.feature] = found
    end
    if found == 0 and fed_at > now - seen.longest then lose_seen(call, log, i) end
  end
  return vector, valid_until
end
