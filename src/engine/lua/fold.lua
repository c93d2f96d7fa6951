-- Folding: from cells to the values of all windows. Mostly the running aggregates only need their edges moved on; anew they
-- are folded where an extreme left, where digits were lost, where too much passed, and now and then to be sure.

local RUN_DOUBLES = 9 -- n, three of a sum, two extremes, two of a spread, trues
local MOST_TAKEN_OUT = 4096 -- cells taken out of running aggregates before they are folded anew

-- Where an edge stands at a moment: the number of the first cell that has not passed it whole; and if that is a tile of
-- which some has passed, how much, and the tile. Also when more of it will.
local function stand_of(log, age, moment)
  local tiles = log.s[log.view.book + TILES]
  local limit = moment - age
  local low, high = 0, cell_count(log)
  local cells = high
  while low < high do
    local middle = floor((low + high) / 2)
    if first_time(log, middle) > limit then high = middle else low = middle + 1 end
  end
  if low > 0 and low <= tiles then
    local tile = tile_at(log, low - 1)
    local part, more_at = passed_part(tile, limit)
    if part < tile[3] then return { position = low - 1, part = part, cut = tile, upcoming = more_at } end
  end
  return { position = low, part = 0, upcoming = low < cells and first_time(log, low) or INFINITE }
end

-- One pass from the newest cell to the oldest. A run (a lane from a delay on) gathers; as the pass comes to an edge, what
-- the groups that end there hold is read off their runs. `now` and `stands` tell where the edges stand; `whole`: cells that an
-- edge cuts are left out, else they count as inside; several edges may cut one cell. Returns for each group an array laid out
-- like its run.
local function gather(log, now, stands, whole)
  local s, view = log.s, log.view
  local tiles = s[view.book + TILES]
  local acc, active, held = {}, {}, {}
  local number = now.position -- the newest cell that is not gathered yet comes before this one
  local function begin(run, below)
    clear_group(acc, run)
    active[#active + 1] = { run = run, below = below }
  end
  local function gather_down_to(position)
    while number > position do
      number = number - 1
      if number < tiles then
        local tile = tile_at(log, number)
        for _, one in ipairs(active) do
          if number < one.below then one.run.take_tile(acc, tile) end
        end
      else
        local text, at = singles_at(log, number - tiles, 1)
        for _, one in ipairs(active) do one.run.take(acc, struct.unpack(view.single_format, text, at)) end
      end
    end
  end
  for _, run in ipairs(view.runs) do
    if run.now then begin(run, now.position) end
  end
  for e, edge in ipairs(view.edges) do
    local position = stands[e].position
    gather_down_to(whole and stands[e].cut and position + 1 or position)
    for _, group in ipairs(edge.leave) do
      local from, copy = group.run.n, {}
      for i = 1, RUN_DOUBLES do copy[i] = acc[from + i - 1] end
      held[group] = copy
    end
    -- A tile that this edge cuts may be cut by the next one too: it is gathered when an edge stands before it.
    for _, run in ipairs(edge.begin) do begin(run, position) end
  end
  return held
end

-- Folds all cells anew into the running aggregates, and finds where the edges stand.
local function fold_cells(log, now)
  load_cells(log)
  local s, view = log.s, log.view
  local stands = {}
  for e, edge in ipairs(view.edges) do
    local stand, at = stand_of(log, edge.age, now), edge.at
    s[at + POSITION], s[at + PART], s[at + NEXT] = stand.position, stand.part, stand.upcoming + edge.age
    stands[e] = stand
    for _, feature in ipairs(edge.scans) do log.scans[feature] = true end
  end
  local held = gather(log, { position = cell_count(log) }, stands, false)
  for _, group in ipairs(view.groups) do
    local copy = held[group]
    s[group.n] = copy[1]
    if group.sum then s[group.sum], s[group.sum + 1], s[group.sum + 2] = copy[2], copy[3], copy[4] end
    if group.least then s[group.least], s[group.least + 1] = copy[5], copy[6] end
    if group.spread then s[group.spread], s[group.spread + 1] = copy[7], copy[8] end
    if group.trues then s[group.trues] = copy[9] end
  end
  log.unsure = {}
  for e, edge in ipairs(view.edges) do
    local stand = stands[e]
    if stand.cut then pass_tile(log, edge, stand.position, stand.cut, 0, stand.part) end
  end
  count_all_held(log)
  log.refold = nil
  s[view.book + PASSED] = 0
end

-- Finds a group's extremes again. Cells that bear out the ones it has end the search early: what left can only have
-- narrowed them.
local function find_extremes(log, group)
  local s, view, lane = log.s, log.view, group.lane
  local tiles = s[view.book + TILES]
  local from = s[group.ends.at + POSITION]
  local to = group.begins and s[group.begins.at + POSITION] or cell_count(log)
  if group.begins and s[group.begins.at + PART] > 0 then to = to + 1 end
  local had_least, had_most = s[group.least], s[group.least + 1]
  local least, most = INFINITE, -INFINITE
  local number = from
  while number < to and not (least == had_least and most == had_most) do
    local text, at, count, bytes
    if number < tiles then
      count, bytes = min(16, tiles - number, to - number), view.tile_bytes
      text, at = tiles_at(log, number, count)
    else
      count, bytes = min(16, to - number), view.single_bytes
      text, at = singles_at(log, number - tiles, count)
    end
    for i = 0, count - 1 do
      local n, low, high, _
      if number < tiles then
        local tile = { struct.unpack(view.tile_format, text, at + i * bytes) }
        n, _, _, low, high = tile_part(lane, tile, tile[3])
        local entered = group.begins and passed_of_lane(s, lane, group.begins, number + i, tile) or n
        if entered <= passed_of_lane(s, lane, group.ends, number + i, tile) then n = 0 end
      else
        n, _, _, low, high = single_part(lane, unpack_single(view, text, at + i * bytes))
      end
      if n > 0 then
        least, most = min(least, low), max(most, high)
      end
    end
    number = number + count
  end
  s[group.least], s[group.least + 1] = least, most
end

local function lifetime_value(s, lifetime, op)
  if op == 'last' then return s[lifetime.at] > 0 and s[lifetime.at + LAST] or NULL end
  return outcome[op](s, lifetime.group)
end

-- Ends the running figures whose idle time is over. Returns the first moment at which another's ends.
local function end_lifetimes(log, now)
  local s, valid_until = log.s, INFINITE
  for _, lifetime in ipairs(log.view.lifetimes) do
    local at = lifetime.at
    local arrival = s[at + ARRIVAL]
    if arrival > -INFINITE then
      if now - arrival >= lifetime.idle then
        clear_lifetime(s, at)
      else
        valid_until = min(valid_until, arrival + lifetime.idle)
      end
    end
  end
  return valid_until
end

-- Brings the running aggregates to `now`. Returns the first moment at which time alone may change what they tell.
local function fold(call, log, now)
  local s, view = log.s, log.view
  log.now = now
  if not log.refold then view.advance(log, s, now) end
  -- Not together with a compaction, if it can wait: both take long.
  if log.refold or s[view.book + PASSED] > MOST_TAKEN_OUT and not log.compacted then fold_cells(log, now) end
  if next(log.unsure) then
    for group in pairs(log.unsure) do find_extremes(log, group) end
  end
  return min(view.upcoming(s), end_lifetimes(log, now), fold_seen(call, log, now))
end

return stand_of, gather, lifetime_value, fold
