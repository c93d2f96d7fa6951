-- Labelling: an event's label comes, or changes, after the event was recorded.

-- Whether a filter lets an event pass before and after: true, false, or (nil) not known. `flags`: of a single.
local function passes(view, mask, before, after, flags)
  if mask == 0 then return true, true end
  for _, filter in ipairs(view.label.filters) do
    if filter.mask == mask then
      local old, new = filter.holds[before + 1], filter.holds[after + 1]
      if flags then
        local rest = filter.rest == 0 or band(flags, filter.rest) ~= 0 or band(flags, mask) ~= 0
        return band(flags, mask) ~= 0, rest and new
      end
      if filter.rest == 0 or not (old or new) then return old, new end
      return nil, nil, old ~= new
    end
  end
  if flags then return band(flags, mask) ~= 0, band(flags, mask) ~= 0 end
  return nil, nil, false
end

local function with_flag(flags, mask, on)
  local has = band(flags, mask) ~= 0
  if has == on then return flags end
  return on and flags + mask or flags - mask
end

-- A single as it is with another label.
local function relabelled_single(view, single, before, after)
  local label, flags = view.label, single[3]
  local changed = { unpack(single, 1, 3 + view.column_count) }
  for _, filter in ipairs(label.filters) do
    local _, now_passes = passes(view, filter.mask, before, after, single[3])
    -- What passes fulfils the rest: known also of a single whose layout did not tell that.
    if filter.rest ~= 0 and band(single[3], filter.mask) ~= 0 then flags = with_flag(flags, filter.rest, true) end
    flags = with_flag(flags, filter.mask, now_passes)
  end
  flags = with_flag(flags, label.true_mask, after == LABELLED_TRUE)
  changed[3] = with_flag(flags, label.known_mask, true)
  if label.column > 0 then changed[3 + label.column] = after == LABELLED_TRUE and 1 or 0 end
  return changed
end

-- What a label changes in the running figures: for each, by how much its trues. Nil if that is more, or not known.
local function relabel_running(log, time, now, change_of)
  local changes = {}
  for _, lifetime in ipairs(log.view.lifetimes) do
    local trues, more = change_of(lifetime.lane)
    if more then return nil end
    if trues ~= 0 then
      local running = is_running(log, lifetime, time, now)
      if running == nil then return nil end
      if running then changes[lifetime] = trues end
    end
  end
  return changes
end

local function change_running(log, changes)
  for lifetime, trues in pairs(changes) do
    local at = lifetime.group.trues
    log.s[at] = log.s[at] + trues
  end
end

local function label_single(call, log, row, found, now)
  local view, single, j, after = log.view, found.single, found.number, row.label
  local before = label_of(view.label, single[3])
  if before == after then return AGAIN end
  local changed = relabelled_single(view, single, before, after)

  local changes = relabel_running(log, found.time, now, function(lane)
    local n, sum, _, _, _, _, trues = single_part(lane, single)
    local new_n, new_sum, _, _, _, _, new_trues = single_part(lane, changed)
    return (new_trues or 0) - (trues or 0), n ~= new_n or sum ~= new_sum
  end)
  if not changes then return TOO_OLD, RUNNING end

  local values, undo = values_of(log, j), {}
  for place, seen in ipairs(view.seen) do
    local value = value_shown(seen, single[3], values)
    if value and not value_shown(seen, changed[3], values) and not undo_single(log, place, seen, value, j, now, undo) then
      return TOO_OLD, NO_SIGHTING
    end
  end

  change_running(log, changes)
  take_back(undo)
  for place, seen in ipairs(view.seen) do
    local value = value_shown(seen, changed[3], values)
    if value and not value_shown(seen, single[3], values) then sight_value(call, log, place, seen, value, j, now) end
  end
  rewrite_single(log, j, struct.pack('<I4', changed[3])
    .. struct.pack(view.columns_format, unpack(changed, 4, 3 + view.column_count)))
  return DONE
end

-- What a label changes in a lane of a tile: by how much n and trues. The third is true if more changes, or it is not known.
local function lane_change(view, lane, before, after)
  local label, was, is = view.label, before == LABELLED_TRUE and 1 or 0, after == LABELLED_TRUE and 1 or 0
  local passed, now_passes, decides = passes(view, lane.mask, before, after)
  local shares = lane.true_mask == label.true_mask
  if lane.column > 0 and lane.column == label.column then return 0, 0, true end
  if passed == nil then return 0, 0, decides or shares and was ~= is end
  if passed ~= now_passes and lane.column ~= 0 then return 0, 0, true end
  local n = (now_passes and 1 or 0) - (passed and 1 or 0)
  return n, shares and (now_passes and is or 0) - (passed and was or 0) or 0, false
end

local function label_in_tile(call, log, row, found, now)
  local view, tile, before, after = log.view, found.tile, found.known, row.label
  if before == after then return AGAIN end
  local changed = { unpack(tile, 1, view.tile_fields) }
  for _, lane in ipairs(view.lanes) do
    local n, trues, more = lane_change(view, lane, before, after)
    if more then return TOO_OLD, UNKNOWABLE end
    local places = lane.tile
    -- Of a feature that is younger than the event, the tile may know nothing.
    local counts, of = max(0, changed[places.n] + (places.n ~= 3 and n or 0)), places.trues
    changed[places.n] = counts
    if of then changed[of] = max(0, changed[of] + trues) end
    -- The caller's word is taken, but not that of more events than there are.
    if counts > tile[3] or of and changed[of] > counts then return NOT_FOUND end
  end
  for _, seen in ipairs(view.seen) do
    local passed, now_passes, decides = passes(view, seen.mask, before, after)
    if found.time > now - seen.kept and (decides or passed ~= now_passes) then return TOO_OLD, NO_SIGHTING end
  end
  local changes = relabel_running(log, found.time, now, function(lane)
    local n, trues, more = lane_change(view, lane, before, after)
    return trues, more or n ~= 0
  end)
  if not changes then return TOO_OLD, RUNNING end

  change_running(log, changes)
  rewrite_tile(log, found.number, changed)
  set_correction(call, log, found.at, found.time, row.id, after, now)
  return DONE
end

-- ARGV[i + 1]: B index of the view, B label (0 false, 1 true), d the event's time, c8 its id.
local function parse_label(_, packed)
  -- What was retracted has no label any more.
  local row = { label = string.byte(packed, 2) == 1 and LABELLED_TRUE or LABELLED_FALSE, retracted = NOT_FOUND }
  row.time, row.id = struct.unpack('<dc8', packed, 3)
  return row
end

-- Of each view in which something depends on the label. Status: 0 labelled, 1 had that label, 2 not found, 4 too old.
register_correction('label', parse_label, label_single, label_in_tile)
