-- Linking: what the generated table tells of each other by number becomes the thing itself, and what is not there (0) is
-- nil. Runs while the library loads, when of Lua there are only numbers and tables.

local function linked(thing, name, list)
  thing[name] = list[thing[name]]
end

local function absent(thing, name)
  if thing[name] == 0 then thing[name] = nil end
end

local function places(thing)
  absent(thing, 'sum')
  absent(thing, 'least')
  absent(thing, 'spread')
  absent(thing, 'trues')
end

for v = 1, #views do
  local view = views[v]
  absent(view, 'label')
  for i = 1, #view.lanes do
    local tile = view.lanes[i].tile
    places(tile)
    absent(tile, 'newest')
    absent(tile, 'newest_at')
    absent(tile, 'oldest')
    absent(tile, 'oldest_at')
  end
  for i = 1, #view.runs do
    linked(view.runs[i], 'lane', view.lanes)
    places(view.runs[i])
  end
  for i = 1, #view.groups do
    local group = view.groups[i]
    linked(group, 'lane', view.lanes)
    linked(group, 'run', view.runs)
    linked(group, 'begins', view.edges)
    linked(group, 'ends', view.edges)
    places(group)
    if not group.begins then group.run.now = true end
  end
  for i = 1, #view.edges do
    local edge = view.edges[i]
    edge.index, edge.counts = i, {}
    for j = 1, #edge.enter do edge.enter[j] = view.groups[edge.enter[j]] end
    for j = 1, #edge.leave do edge.leave[j] = view.groups[edge.leave[j]] end
    for j = 1, #edge.begin do edge.begin[j] = view.runs[edge.begin[j]] end
  end
  for i = 1, #view.features do
    local feature = view.features[i]
    linked(feature, 'group', view.groups)
    linked(feature, 'lane', view.lanes)
    linked(feature, 'begins', view.edges)
    linked(feature, 'ends', view.edges)
  end
  for i = 1, #view.seen do
    for j = 1, #view.seen[i].windows do
      local window = view.seen[i].windows[j]
      window.place = j
      linked(window, 'edge', view.edges)
      local counts = window.edge.counts
      counts[#counts + 1] = { place = i, held = window.held }
    end
  end
  for i = 1, #view.lifetimes do
    local lifetime = view.lifetimes[i]
    local at = lifetime.at
    linked(lifetime, 'lane', view.lanes)
    lifetime.group = { n = at, sum = at + 1, least = at + 4, spread = at + 6, trues = at + 8 }
  end
end

return views
