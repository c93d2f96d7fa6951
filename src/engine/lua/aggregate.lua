-- Aggregates: what a cell tells of a lane, and taking it into a group, or out of one. A part is n, sum, rest (what rounding
-- took from the sum), least, most, spread (squared distances from the mean, summed), and trues.

local ENOUGH = 1e-9 -- a sum this small a fraction of what was in it has lost digits to what left
local STEADY = 0.1 -- so has a spread

-- What a single tells of a lane: n is 1 or 0.
local function single_part(lane, single)
  local flags, mask = single[3], lane.mask
  if mask ~= 0 and band(flags, mask) == 0 then return 0 end
  local column = lane.column
  if column <= 0 then
    if mask == 0 and band(flags, RETRACTED) ~= 0 then return 0 end
    local true_mask = lane.true_mask
    return 1, 0, 0, 0, 0, 0, true_mask ~= 0 and band(flags, true_mask) ~= 0 and 1 or 0
  end
  local value = single[3 + column]
  if value ~= value then return 0 end
  return 1, value, 0, value, value, 0, 0
end

-- What `events` of a tile tell of a lane: as if each were like all. Counts are whole.
local function tile_part(lane, tile, events)
  local places, all = lane.tile, tile[3]
  local n = tile[places.n]
  local part = events == all and n or floor(n * events / all + 0.5)
  if part == 0 then return 0 end
  local sum, rest, least, most, spread, trues = 0, 0, 0, 0, 0, 0
  local at = places.sum
  if at then sum, rest = tile[at], tile[at + 1] end
  at = places.least
  if at then least, most = tile[at], tile[at + 1] end
  if places.spread then spread = tile[places.spread] end
  if places.trues then trues = tile[places.trues] end
  if part < n then
    local share = part / n
    sum, rest, spread, trues = sum * share, rest * share, spread * share, floor(trues * events / all + 0.5)
  end
  return part, sum, rest, least, most, spread, trues
end

-- Takes a part into a group. Sums are compensated (Knuth's two-sum), spreads merge as Chan has it.
local function grow(s, group, n, sum, rest, least, most, spread, trues)
  local before = s[group.n]
  s[group.n] = before + n
  local at = group.spread
  if at then
    if before > 0 then
      local distance = (sum + rest) / n - (s[group.sum] + s[group.sum + 1]) / before
      spread = spread + s[at] + distance * distance * before * n / (before + n)
    end
    s[at] = spread
    if spread > s[at + 1] then s[at + 1] = spread end
  end
  at = group.sum
  if at then
    local had = s[at]
    local total = had + sum
    local added = total - had
    s[at], s[at + 1] = total, s[at + 1] + ((had - (total - added)) + (sum - added)) + rest
    if sum < 0 then sum = -sum end
    if sum > s[at + 2] then s[at + 2] = sum end
  end
  at = group.least
  if at then
    if least < s[at] then s[at] = least end
    if most > s[at + 1] then s[at + 1] = most end
  end
  at = group.trues
  if at then s[at] = s[at] + trues end
end

-- Takes a part out of a group again. `whole`: none of the cell stays, so that its extremes leave with it. What cannot be
-- taken out without loss is left to be folded anew: the log's `refold` is set, or the group is among its `unsure` ones.
local function shrink(log, group, whole, n, sum, rest, least, most, spread, trues)
  local s = log.s
  local before = s[group.n]
  local after = before - n
  if after <= 0 then return clear_group(s, group) end
  s[group.n] = after
  local at = group.sum
  if at then
    local had = s[at]
    local total = had - sum
    local added = total - had
    local lost = s[at + 1] + ((had - (total - added)) + (-sum - added)) - rest
    s[at], s[at + 1] = total, lost
    local size = total + lost
    if size < 0 then size = -size end
    if size < s[at + 2] * ENOUGH then log.refold = true end
    at = group.spread
    if at then
      local mean = (total + lost) / after
      local distance = (sum + rest) / n - mean
      local left = s[at] - spread - distance * distance * n * after / before
      s[at] = left
      local most_ever = s[at + 1]
      if left < most_ever * STEADY and most_ever > after * (1e-13 * mean) ^ 2 then log.refold = true end
    end
  end
  at = group.least
  if at and whole and (least <= s[at] or most >= s[at + 1]) then log.unsure[group] = true end
  at = group.trues
  if at then s[at] = s[at] - trues end
end

-- Taking out what left costs the last digits: twelve do not depend on how a spread came about.
local function deviation(spread, n)
  return tonumber(string.format('%.12g', math.sqrt(max(0, spread / n))))
end

-- What an aggregate says of a feature, by the aggregation: `s`, where it is; `group`, its places; the feature. Filled in by
-- lua-text/aggregate.ts.
local outcome = {}
