-- Folding: from cells to the values of all windows, in one pass.

local CELLS_AT_ONCE = 32 -- unpacked together: one call for many is what makes a pass cheap

-- Takes the cells of a chunk, from the newest down to the oldest of these, into a lane's aggregate. In a chunk each cell
-- takes `stride` places: its time, its flags, and its columns. Sums are compensated (Neumaier), spread is Welford's.
local function gather(lane, s, chunk, newest, oldest, stride)
  local mask, true_mask, column, band = lane.mask, lane.true_mask, lane.column, bit.band
  if column <= 0 then -- events are counted, of which the newest one's own time may be wanted
    if mask == 0 and true_mask == 0 then
      if s.n == 0 then s.last = chunk[newest * stride + 1] end
      s.n = s.n + newest - oldest + 1
      return
    end
    for at = newest * stride, oldest * stride, -stride do
      local flags = chunk[at + 2]
      if mask == 0 or band(flags, mask) ~= 0 then
        if s.n == 0 then s.last = chunk[at + 1] end
        s.n = s.n + 1
        if true_mask ~= 0 and band(flags, true_mask) ~= 0 then s.trues = s.trues + 1 end
      end
    end
    return
  end

  local sums, extremes, spread = lane.sums, lane.extremes, lane.spread
  local n, sum, rest, least, most, mean, m2 = s.n, s.sum, s.rest, s.least, s.most, s.mean, s.m2
  for at = newest * stride, oldest * stride, -stride do
    local value = chunk[at + 2 + column]
    if value == value and (mask == 0 or band(chunk[at + 2], mask) ~= 0) then
      if n == 0 then s.last = value end
      n = n + 1
      if sums then
        local total = sum + value
        if (sum < 0 and -sum or sum) >= (value < 0 and -value or value) then
          rest = rest + ((sum - total) + value)
        else
          rest = rest + ((value - total) + sum)
        end
        sum = total
      end
      if extremes then
        if value < least then least = value end
        if value > most then most = value end
      end
      if spread then
        local delta = value - mean
        mean = mean + delta / n
        m2 = m2 + delta * (value - mean)
      end
    end
  end
  s.n, s.sum, s.rest, s.least, s.most, s.mean, s.m2 = n, sum, rest, least, most, mean, m2
end

-- What an aggregate says of a feature.
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

-- Drops the cells that no window can hold any more, and no retry can repeat.
local function trim(view, log, now)
  local first = first_after(view, log, now - view.keep)
  if first == 1 then return end
  log.cells = string.sub(log.cells, (first - 1) * view.cell_bytes + 1)
  log.cells_stored = false
end

-- One pass from the newest cell to the oldest. A lane (a delay, a filter, a field) gathers from its delay on; as the
-- pass comes to an edge's age, the features whose window ends there are read off their lanes. Returns the first moment
-- at which a cell crosses an edge.
local function fold_cells(view, log, now, vector)
  local valid_until, stride = INFINITE, 2 + view.column_count
  local lanes, active = {}, {}
  for i = 1, #view.lanes do lanes[i] = empty_aggregate() end

  local index = cell_count(view, log) -- the newest cell that is not gathered yet
  local chunk, before = nil, index -- its first cell comes after this many
  local inside = nil -- the time of the oldest cell that is
  for _, edge in ipairs(view.edges) do
    local limit = now - edge.age
    while index > 0 do
      if index <= before then
        before = math.max(0, index - CELLS_AT_ONCE)
        local format = '<' .. string.rep(view.chunk_format, index - before)
        chunk = { struct.unpack(format, log.cells, before * view.cell_bytes + 1) }
      end
      local oldest = index
      while oldest > before and chunk[(oldest - before - 1) * stride + 1] > limit do oldest = oldest - 1 end
      if oldest < index then
        inside = chunk[(oldest - before) * stride + 1]
        for _, i in ipairs(active) do
          gather(view.lanes[i], lanes[i], chunk, index - before - 1, oldest - before, stride)
        end
        index = oldest
      end
      if oldest > before then break end -- the next one is past this edge
    end
    if inside and edge.age > 0 then valid_until = math.min(valid_until, inside + edge.age) end
    for _, f in ipairs(edge.leave) do
      local feature = view.features[f]
      vector[f] = outcome[feature.op](lanes[feature.lane])
    end
    for _, i in ipairs(edge.enter) do active[#active + 1] = i end
  end
  return valid_until
end

-- Reads off the running figures. Returns the first moment at which an idle time ends.
local function fold_lifetimes(view, log, now, vector)
  local valid_until = INFINITE
  for i, lifetime in ipairs(view.lifetimes) do
    local s = log.lifetimes[i]
    if s.arrival > -INFINITE then
      if now - s.arrival >= lifetime.idle then
        s = empty_aggregate()
        log.lifetimes[i] = s
      else
        valid_until = math.min(valid_until, s.arrival + lifetime.idle)
      end
    end
    for _, f in ipairs(lifetime.features) do vector[f] = outcome[view.features[f].op](s) end
  end
  return valid_until
end

-- Counts the values that were last seen inside each window. When one leaves is when its newest cell does.
local function fold_seen(call, view, log, names, now, vector)
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
end

-- Returns the vector, and the first moment at which time alone may change it.
local function fold(call, view, log, names, now)
  trim(view, log, now)
  call.budget = call.budget - cell_count(view, log)
  local vector = {}
  local valid_until = math.min(fold_cells(view, log, now, vector), fold_lifetimes(view, log, now, vector))
  fold_seen(call, view, log, names, now, vector)
  return vector, valid_until
end
