-- Bounds: what a feature may be when edges cut tiles. How many of a cut tile's events are inside the window lies
-- between bounds (see edges.lua); what a lane holds of each lies between its extremes. Every bound here is one that some placing of
-- the tile's events could reach, or beyond it; ARCHITECTURE.md has them in a table.

-- The tiles that edges of a window cut, as its lane sees them: n, sum, least, most, spread, trues, and how few and how many of
-- the n may be inside. `young` and `old` are the limits of the window's edges.
local function cut_parts(lane, begins, ends, young, old)
  local parts = {}
  local function add(tile, fewest, most_inside)
    local n, sum, rest, least, most, spread, trues = tile_part(lane, tile, tile[3])
    fewest, most_inside = max(0, n - (tile[3] - fewest)), min(n, most_inside)
    if n > 0 and most_inside > 0 then
      parts[#parts + 1] = { n = n, sum = sum + rest, least = least, most = most, spread = spread, trues = trues,
        fewest = fewest, inside = most_inside }
    end
  end
  local entered, entered_most, left, left_most
  if begins.cut then entered, entered_most = passed_between(begins.cut, young) end
  if ends.cut then left, left_most = passed_between(ends.cut, old) end
  if begins.cut and ends.cut and begins.position == ends.position then
    add(begins.cut, max(0, entered - left_most), entered_most - left)
  else
    if begins.cut then add(begins.cut, entered, entered_most) end
    if ends.cut then add(ends.cut, ends.cut[3] - left_most, ends.cut[3] - left) end
  end
  return parts
end

-- Numbers of events at which the least or the greatest sum that a part may add changes its course, or ends.
local function turns(part)
  local list, spread = { part.fewest, part.inside }, part.most - part.least
  if spread > 0 then
    for _, turn in ipairs({ (part.n * part.most - part.sum) / spread, (part.sum - part.n * part.least) / spread }) do
      for _, count in ipairs({ floor(turn), floor(turn) + 1 }) do
        if count > part.fewest and count < part.inside then list[#list + 1] = count end
      end
    end
  end
  return list
end

-- The least and the greatest sum of so many of a part's events.
local function sums_of(part, count)
  local others = part.n - count
  return max(count * part.least, part.sum - others * part.most), min(count * part.most, part.sum - others * part.least)
end

-- Calls `try` with each way in which the parts may turn: how many events, and the least and the greatest sum of these.
local function each_turn(parts, try, from, count, low, high)
  from, count, low, high = from or 1, count or 0, low or 0, high or 0
  local part = parts[from]
  if not part then return try(count, low, high) end
  for _, inside in ipairs(turns(part)) do
    local least, most = sums_of(part, inside)
    each_turn(parts, try, from + 1, count + inside, low + least, high + most)
  end
end

local function bounds_of_mean(n, sum, parts)
  local lower, upper = INFINITE, -INFINITE
  each_turn(parts, function(count, low, high)
    if n + count > 0 then
      lower, upper = min(lower, (sum + low) / (n + count)), max(upper, (sum + high) / (n + count))
    end
  end)
  if lower > upper then return NULL, NULL end
  return lower, upper
end

local SURELY = 2.576 -- of a normal distribution, 99 % lies within so many standard deviations

-- How many values there may be where a sample has these last-seen times, each of which was taken with the chance of its
-- stratum: those numbers of which it is no wonder (Wilson's interval, with the correction for whole numbers, as of one sample
-- that tells as much).
local function bounds_of_sample(log, seen, window, times)
  local sure, inside, spread, least = 0, 0, 0, 1
  for _, time in ipairs(times) do
    local fraction = fraction_at(log, seen, window, time)
    if fraction == 1 then
      sure = sure + 1
    else
      inside, spread, least = inside + 1 / fraction, spread + 1 / (fraction * fraction), min(least, fraction)
    end
  end
  local fraction = inside > 0 and inside / spread or least
  if fraction == 1 then
    for _, one in ipairs(strata_of(log, seen, window)) do fraction = min(fraction, one) end
  end
  local count, doubt = inside * fraction, SURELY * SURELY * (1 - fraction)
  local function solve(of, sign)
    local half = doubt / 2
    return (of + half + sign * math.sqrt(half * half + of * doubt)) / fraction
  end
  return sure + max(0, floor(solve(max(0, count - 0.5), -1))), sure + ceil(solve(count + 0.5, 1))
end

local function bounds_of_count(held, parts)
  local lower, upper = held[1], held[1]
  for _, part in ipairs(parts) do lower, upper = lower + part.fewest, upper + part.inside end
  return lower, upper
end

-- For each aggregation: bounds from what the window holds for sure (an array like a run's) and the parts of cut tiles.
local bounds = {
  count = bounds_of_count,
  rate = function(held, parts, feature)
    local lower, upper = bounds_of_count(held, parts)
    return lower / feature.seconds, upper / feature.seconds
  end,
  sum = function(held, parts)
    local lower, upper = INFINITE, -INFINITE
    local sum = held[2] + held[3]
    each_turn(parts, function(_, low, high) lower, upper = min(lower, sum + low), max(upper, sum + high) end)
    return lower, upper
  end,
  avg = function(held, parts) return bounds_of_mean(held[1], held[2] + held[3], parts) end,
  share = function(held, parts)
    for _, part in ipairs(parts) do part.sum, part.least, part.most = part.trues, 0, 1 end
    return bounds_of_mean(held[1], held[9], parts)
  end,
  -- Where no event is inside for sure, whichever part has one may be the only one.
  min = function(held, parts)
    local lower, upper, any = held[5], held[5], -INFINITE
    for _, part in ipairs(parts) do
      lower, any = min(lower, part.least), max(any, part.most)
      if part.fewest > 0 then upper = min(upper, part.most) end
    end
    return lower, upper < INFINITE and upper or any
  end,
  max = function(held, parts)
    local lower, upper, any = held[6], held[6], INFINITE
    for _, part in ipairs(parts) do
      upper, any = max(upper, part.most), min(any, part.least)
      if part.fewest > 0 then lower = max(lower, part.least) end
    end
    return lower > -INFINITE and lower or any, upper
  end,
  -- More events add to the squared distances, and never less than nothing; at most as far as the extremes are from the mean.
  stddev = function(held, parts)
    local n, least, most, inside = held[1], held[5], held[6], 0
    for _, part in ipairs(parts) do
      least, most, inside = min(least, part.least), max(most, part.most), inside + part.inside
    end
    if n == 0 then return 0, (most - least) / 2 end
    local mean, widest = (held[2] + held[3]) / n, 0
    local function try(count, squares, from)
      local part = parts[from]
      if not part then
        widest = max(widest, squares / count)
        return
      end
      local distance = max(part.most - mean, mean - part.least)
      for _, some in ipairs({ part.fewest, part.inside }) do try(count + some, squares + some * distance * distance, from + 1) end
    end
    try(n, max(0, held[7]), 1)
    return math.sqrt(max(0, held[7]) / (n + inside)), min(math.sqrt(widest), (most - least) / 2)
  end,
}
