-- A simulation of elevators in an office building: cars, passengers and their arrivals are
-- coroutines that wait for times and signals; a pairing heap keeps the future events. Two ways to
-- answer calls are compared by waiting times, with a histogram and percentiles.

local minutes = (tonumber(arg and arg[1]) or 290) * 4

local FLOORS, CARS, CAPACITY = 18, 4, 10
local SECONDS_PER_FLOOR, DOOR_SECONDS, STEP_SECONDS = 2.5, 3, 1.25

---------------------------------------------------------------------------
-- Pairing heap of events. Equal times are ordered by the order of arrival.
---------------------------------------------------------------------------

local function new_heap()
  local root, size, tickets = nil, 0, 0

  local function before(a, b)
    if a.time == b.time then return a.ticket < b.ticket end
    return a.time < b.time
  end

  local function meld(a, b)
    if not a then return b end
    if not b then return a end
    if before(b, a) then a, b = b, a end
    b.sibling = a.child
    a.child = b
    return a
  end

  local function meld_pairs(first)
    local merged = nil
    -- First from left to right in pairs, then all from right to left.
    while first do
      local second = first.sibling
      local rest = second and second.sibling
      first.sibling = nil
      if second then second.sibling = nil end
      local pair = meld(first, second)
      pair.sibling = merged
      merged = pair
      first = rest
    end
    local result = nil
    while merged do
      local following = merged.sibling
      merged.sibling = nil
      result = meld(result, merged)
      merged = following
    end
    return result
  end

  local heap = {}
  function heap.insert(time, value)
    tickets = tickets + 1
    size = size + 1
    root = meld(root, { time = time, ticket = tickets, value = value })
  end
  function heap.take()
    if not root then return nil end
    local top = root
    root = meld_pairs(top.child)
    size = size - 1
    return top.time, top.value
  end
  function heap.size() return size end
  return heap
end

---------------------------------------------------------------------------
-- The scheduler
---------------------------------------------------------------------------

local function new_simulation()
  local simulation = { now = 0, steps = 0, failed = {} }
  local events = new_heap()
  local resume, yield, status = coroutine.resume, coroutine.yield, coroutine.status

  local function continue(process, ...)
    simulation.steps = simulation.steps + 1
    simulation.current = process
    local ok, problem = resume(process.thread, ...)
    if not ok then table.insert(simulation.failed, process.name .. ": " .. tostring(problem)) end
    if status(process.thread) == "dead" then process.finished = true end
  end

  function simulation.spawn(name, body, ...)
    local process = { name = name, thread = coroutine.create(body) }
    local arguments, count = { ... }, select("#", ...)
    events.insert(simulation.now, function() continue(process, unpack(arguments, 1, count)) end)
    return process
  end

  -- Both are called by processes only.
  function simulation.sleep(seconds)
    local process = simulation.current
    events.insert(simulation.now + seconds, process)
    yield()
  end

  function simulation.new_signal()
    local waiting = {}
    local signal = {}
    function signal.wait()
      waiting[#waiting + 1] = simulation.current
      return yield()
    end
    function signal.fire(...)
      local woken = waiting
      waiting = {}
      for _, process in ipairs(woken) do
        local arguments, count = { ... }, select("#", ...)
        events.insert(simulation.now, function() continue(process, unpack(arguments, 1, count)) end)
      end
      return #woken
    end
    function signal.waiting() return #waiting end
    return signal
  end

  function simulation.run(limit)
    while true do
      local time, event = events.take()
      if not time or time > limit then break end
      if time < simulation.now then error("time runs backwards") end
      simulation.now = time
      if type(event) == "function" then
        event()
      elseif not event.finished then
        continue(event)
      end
    end
    return events.size()
  end

  return simulation
end

---------------------------------------------------------------------------
-- Random numbers, one independent stream for each purpose
---------------------------------------------------------------------------

local function new_random(seed)
  local state = seed
  return function(low, high)
    state = (state * 16807) % 2147483647
    return low + state % (high - low + 1)
  end
end

---------------------------------------------------------------------------
-- The building
---------------------------------------------------------------------------

local function direction_of(from, to)
  return to > from and "up" or "down"
end

local function new_building(simulation, strategy)
  local building = { cars = {}, halls = {}, travelled = 0, stops = 0 }

  for floor = 1, FLOORS do
    building.halls[floor] = {
      up = { queue = {}, assigned = nil },
      down = { queue = {}, assigned = nil },
    }
  end

  local function new_car(index)
    local car = {
      index = index, floor = 1 + (index - 1) * 5, direction = nil, riders = {}, targets = {},
      calls = { up = {}, down = {} }, called = simulation.new_signal(),
    }

    local function wanted_at(floor, direction)
      return car.targets[floor] or car.calls[direction][floor]
    end

    local function anything_beyond(direction)
      local first, last = car.floor + 1, FLOORS
      if direction == "down" then first, last = 1, car.floor - 1 end
      for floor = first, last do
        if car.targets[floor] or car.calls.up[floor] or car.calls.down[floor] then return true end
      end
      return false
    end

    local function choose_direction()
      local current = car.direction or "up"
      local other = current == "up" and "down" or "up"
      if wanted_at(car.floor, current) or anything_beyond(current) then return current end
      if wanted_at(car.floor, other) or anything_beyond(other) then return other end
      return nil
    end

    local function unload()
      car.targets[car.floor] = nil
      for i = #car.riders, 1, -1 do
        local rider = car.riders[i]
        if rider.to == car.floor then
          table.remove(car.riders, i)
          simulation.sleep(STEP_SECONDS)
          rider.arrived.fire(simulation.now)
        end
      end
    end

    local function load(direction)
      local call = building.halls[car.floor][direction]
      car.calls[direction][car.floor] = nil
      call.assigned = nil
      while #call.queue > 0 and #car.riders < CAPACITY do
        local rider = table.remove(call.queue, 1)
        car.riders[#car.riders + 1] = rider
        car.targets[rider.to] = true
        rider.boarded.fire(simulation.now, car.index)
        simulation.sleep(STEP_SECONDS)
      end
      if #call.queue > 0 then building.call(car.floor, direction, car) end
    end

    function car.load_factor() return #car.riders / CAPACITY end

    function car.accept(floor, direction)
      car.calls[direction][floor] = true
      car.called.fire()
    end

    function car.run()
      while true do
        car.direction = choose_direction()
        if not car.direction then
          car.called.wait()
        else
          local stopping = wanted_at(car.floor, car.direction)
          if not stopping and not anything_beyond(car.direction) then
            stopping = car.calls.up[car.floor] or car.calls.down[car.floor]
          end
          if stopping then
            building.stops = building.stops + 1
            simulation.sleep(DOOR_SECONDS)
            unload()
            if not anything_beyond(car.direction) and not car.calls[car.direction][car.floor] then
              car.direction = car.direction == "up" and "down" or "up"
            end
            load(car.direction)
          end
          if anything_beyond(car.direction) then
            simulation.sleep(SECONDS_PER_FLOOR)
            car.floor = car.floor + (car.direction == "up" and 1 or -1)
            building.travelled = building.travelled + 1
          end
        end
      end
    end

    return car
  end

  function building.call(floor, direction, except)
    local call = building.halls[floor][direction]
    if call.assigned and call.assigned ~= except then return end
    local car = strategy(building.cars, floor, direction, except)
    call.assigned = car
    car.accept(floor, direction)
  end

  for index = 1, CARS do
    local car = new_car(index)
    building.cars[index] = car
    simulation.spawn("car " .. index, car.run)
  end
  return building
end

-- Strategies choose a car for a call.
local strategies = {}

function strategies.nearest(cars, floor, _, except)
  local best, least = nil, math.huge
  for _, car in ipairs(cars) do
    local distance = math.abs(car.floor - floor) + (car == except and 100 or 0)
    if distance < least then best, least = car, distance end
  end
  return best
end

function strategies.estimate(cars, floor, direction, except)
  local best, least = nil, math.huge
  for _, car in ipairs(cars) do
    local cost = math.abs(car.floor - floor) * SECONDS_PER_FLOOR
    local towards = direction_of(car.floor, floor)
    if car.direction and (car.direction ~= towards or direction ~= towards) then
      local turn = car.direction == "up" and FLOORS or 1
      for target in pairs(car.targets) do
        if car.direction == "up" then turn = math.max(turn, target) end
      end
      cost = (math.abs(turn - car.floor) + math.abs(turn - floor)) * SECONDS_PER_FLOOR
    end
    for stop = 1, FLOORS do
      if car.targets[stop] then cost = cost + DOOR_SECONDS end
    end
    cost = cost + car.load_factor() * 40 + (car == except and 200 or 0)
    if cost < least then best, least = car, cost end
  end
  return best
end

---------------------------------------------------------------------------
-- Passengers: they come in the morning, move about, and go in the evening
---------------------------------------------------------------------------

local function new_traffic(simulation, building, seconds, seed)
  local random = new_random(seed)
  local waits, rides, per_car, total = {}, {}, {}, { arrivals = 0 }
  for index = 1, CARS do per_car[index] = 0 end

  local function passenger(from, to)
    local rider = {
      to = to, boarded = simulation.new_signal(), arrived = simulation.new_signal(),
    }
    local asked = simulation.now
    local direction = direction_of(from, to)
    table.insert(building.halls[from][direction].queue, rider)
    building.call(from, direction)
    local boarded, car = rider.boarded.wait()
    local arrived = rider.arrived.wait()
    if arrived <= boarded then error("arrived before boarding") end
    waits[#waits + 1] = boarded - asked
    rides[#rides + 1] = arrived - boarded
    per_car[car] = per_car[car] + 1
  end

  local function journey(progress)
    local kind = random(1, 100)
    if kind <= 80 - 70 * progress then return 1, random(2, FLOORS) end
    if kind > 95 - 60 * progress then return random(2, FLOORS), 1 end
    local from = random(1, FLOORS)
    local to = random(1, FLOORS - 1)
    if to >= from then to = to + 1 end
    return from, to
  end

  simulation.spawn("arrivals", function()
    while simulation.now < seconds do
      simulation.sleep(random(1, 80) / 8)
      total.arrivals = total.arrivals + 1
      local from, to = journey(simulation.now / seconds)
      simulation.spawn("passenger " .. total.arrivals, passenger, from, to)
    end
  end)

  return waits, rides, per_car, total
end

---------------------------------------------------------------------------
-- Reports
---------------------------------------------------------------------------

local function rounded(value) return math.floor(value * 100 + 0.5) / 100 end

local function mean(values)
  local sum = 0
  for _, value in ipairs(values) do sum = sum + value end
  return rounded(sum / math.max(#values, 1))
end

local function percentiles(values, ...)
  local sorted, found = {}, {}
  for i, value in ipairs(values) do sorted[i] = value end
  table.sort(sorted)
  for i = 1, select("#", ...) do
    local share = select(i, ...)
    found[i] = rounded(sorted[math.max(1, math.ceil(#sorted * share / 100))] or 0)
  end
  return unpack(found)
end

local function histogram(values, width, rows)
  local counts = {}
  for row = 1, rows do counts[row] = 0 end
  for _, value in ipairs(values) do
    local row = math.min(math.floor(value / width) + 1, rows)
    counts[row] = counts[row] + 1
  end
  local most = math.max(1, unpack(counts))
  for row, count in ipairs(counts) do
    local bar = ("#"):rep(math.floor(count * 40 / most))
    print(("  %4d s %6d  |%s"):format((row - 1) * width, count, bar))
  end
end

for _, name in ipairs({ "nearest", "estimate" }) do
  local simulation = new_simulation()
  local building = new_building(simulation, strategies[name])
  local waits, rides, per_car, total = new_traffic(simulation, building, minutes * 60, 8191)
  local left = simulation.run(minutes * 60 + 1800)
  for _, problem in ipairs(simulation.failed) do print("failed: " .. problem) end

  if #waits ~= total.arrivals then
    error(("%d of %d passengers have arrived"):format(#waits, total.arrivals))
  end
  print(("%s: %d passengers, %d floors travelled, %d stops, %d steps, %d events left"):format(name,
    #waits, building.travelled, building.stops, simulation.steps, left))
  print(("  riding %.2f s on average; passengers by car: %s"):format(mean(rides),
    table.concat(per_car, " ")))
  print(("  waiting %.2f s on average, median %.2f, 90%% %.2f, longest %.2f"):format(mean(waits),
    percentiles(waits, 50, 90, 100)))
  histogram(waits, 20, 8)
end
