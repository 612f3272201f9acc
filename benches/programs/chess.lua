-- Chess: a move generator on a board of 10 by 12 squares, checked by counting the positions that
-- are reached from known ones, and a player by alpha-beta search with captures to the end, a table
-- of positions and moves in the order of their promise. It plays against itself.

local PLIES = tonumber(arg and arg[1]) or 22

-- White pieces are positive, black ones negative. Squares count from 21 (a8) to 98 (h1).
local EMPTY, PAWN, KNIGHT, BISHOP, ROOK, QUEEN, KING, OUTSIDE = 0, 1, 2, 3, 4, 5, 6, 99
local N, S, E, W = -10, 10, 1, -1
local LETTERS = { "P", "N", "B", "R", "Q", "K" }
local VALUES = { 100, 320, 330, 500, 900, 20000 }
local STEPS = {
  [KNIGHT] = { N + N + E, N + N + W, S + S + E, S + S + W, E + E + N, E + E + S, W + W + N,
    W + W + S },
  [BISHOP] = { N + E, N + W, S + E, S + W },
  [ROOK] = { N, S, E, W },
  [QUEEN] = { N, S, E, W, N + E, N + W, S + E, S + W },
}
STEPS[KING] = STEPS[QUEEN]
local SLIDES = { [BISHOP] = true, [ROOK] = true, [QUEEN] = true }

-- A move is one number: from + 128 * to + 16384 * kind. Kind 0 is plain, 2 to 5 are promotions.
local DOUBLE, PASSING, CASTLING = 1, 6, 7
local TO, KIND = 128, 16384

local board, side, rights, passing, key
local history, depth_of_history = {}, 0
local kings = {}
local floor, abs = math.floor, math.abs

local seed = 20011
local function random()
  seed = (seed * 16807) % 2147483647
  return seed
end

-- Keys of positions are sums of random numbers, so that a move adds and subtracts.
local keys, castling_keys, passing_keys = {}, {}, {}
for piece = -6, 6 do
  keys[piece] = {}
  for square = 21, 98 do keys[piece][square] = piece ~= EMPTY and random() * 512 + random() or 0 end
end
for i = 0, 15 do castling_keys[i] = random() * 256 + random() end
for square = 0, 98 do passing_keys[square] = random() * 256 + random() end
local SIDE_KEY = random() * 256 + random()

-- Castling rights are four bits: white short, white long, black short, black long. Leaving or
-- taking a corner, or moving the king, loses some.
local CORNERS = { [98] = 1, [91] = 2, [95] = 3, [28] = 4, [21] = 8, [25] = 12 }
local rights_left = {}
for old = 0, 15 do
  for square, lost in pairs(CORNERS) do
    local left = 0
    for bit = 0, 3 do
      local value = 2 ^ bit
      if floor(old / value) % 2 == 1 and floor(lost / value) % 2 == 0 then left = left + value end
    end
    rights_left[old * 128 + square] = left
  end
end

local function setup(fen)
  board, depth_of_history = {}, 0
  for square = 0, 119 do board[square] = OUTSIDE end
  local placement, turn, castling, target = fen:match("^(%S+) (%S) (%S+) (%S+)")
  local row = 0
  for rank in placement:gmatch("[^/]+") do
    local square = 21 + row * 10
    for character in rank:gmatch(".") do
      local count = tonumber(character)
      if count then
        for i = square, square + count - 1 do board[i] = EMPTY end
        square = square + count
      else
        local piece
        for i = 1, 6 do if LETTERS[i] == character:upper() then piece = i end end
        if piece == KING then kings[character == "K" and 1 or -1] = square end
        board[square] = character:upper() == character and piece or -piece
        square = square + 1
      end
    end
    row = row + 1
  end
  side = turn == "w" and 1 or -1
  rights = 0
  for i, letter in ipairs({ "K", "Q", "k", "q" }) do
    if castling:find(letter, 1, true) then rights = rights + 2 ^ (i - 1) end
  end
  passing = 0
  if target ~= "-" then passing = target:byte(1) - 96 + 20 + (8 - tonumber(target:sub(2))) * 10 end
  key = castling_keys[rights] + passing_keys[passing]
  for square = 21, 98 do
    local piece = board[square]
    if piece ~= OUTSIDE then key = key + keys[piece][square] end
  end
  if side < 0 then key = key + SIDE_KEY end
end

local function attacked(square, by)
  local ahead = by > 0 and S or N
  local pawn = by * PAWN
  if board[square + ahead + E] == pawn or board[square + ahead + W] == pawn then return true end
  local steps, knight = STEPS[KNIGHT], by * KNIGHT
  for i = 1, 8 do if board[square + steps[i]] == knight then return true end end
  steps = STEPS[QUEEN]
  local queen, king = by * QUEEN, by * KING
  for i = 1, 8 do
    local step = steps[i]
    local at = square + step
    local piece = board[at]
    if piece == king then return true end
    while piece == EMPTY do
      at = at + step
      piece = board[at]
    end
    if piece == queen or piece == by * (i <= 4 and ROOK or BISHOP) then return true end
  end
  return false
end

local function generate(captures_only)
  local moves, n = {}, 0
  local function add_pawn(from, to, last)
    if last then
      for kind = QUEEN, KNIGHT, -1 do
        n = n + 1
        moves[n] = from + to * TO + kind * KIND
      end
    else
      n = n + 1
      moves[n] = from + to * TO
    end
  end
  local ahead = side > 0 and N or S
  for from = 21, 98 do
    local piece = board[from] * side
    if piece == PAWN then
      local row = floor(from / 10)
      local last = row == (side > 0 and 3 or 8)
      local to = from + ahead
      if board[to] == EMPTY and (last or not captures_only) then
        add_pawn(from, to, last)
        if row == (side > 0 and 8 or 3) and board[to + ahead] == EMPTY then
          n = n + 1
          moves[n] = from + (to + ahead) * TO + DOUBLE * KIND
        end
      end
      for aside = W, E, 2 do
        local target = board[to + aside]
        if target ~= OUTSIDE and target * side < 0 then
          add_pawn(from, to + aside, last)
        elseif to + aside == passing then
          n = n + 1
          moves[n] = from + passing * TO + PASSING * KIND
        end
      end
    elseif piece > PAWN and piece <= KING then
      local steps, slides = STEPS[piece], SLIDES[piece]
      for i = 1, #steps do
        local step = steps[i]
        local to = from
        repeat
          to = to + step
          local target = board[to]
          if target == OUTSIDE or target * side > 0 then break end
          if target ~= EMPTY or not captures_only then
            n = n + 1
            moves[n] = from + to * TO
          end
        until not slides or target ~= EMPTY
      end
    end
  end
  if not captures_only then
    local home = side > 0 and 95 or 25
    local first = side > 0 and 1 or 4
    if rights % (first * 4) >= first and not attacked(home, -side) then
      if floor(rights / first) % 2 == 1 and board[home + 1] == EMPTY and board[home + 2] == EMPTY
        and not attacked(home + 1, -side) then
        n = n + 1
        moves[n] = home + (home + 2) * TO + CASTLING * KIND
      end
      if floor(rights / first) % 4 >= 2 and board[home - 1] == EMPTY and board[home - 2] == EMPTY
        and board[home - 3] == EMPTY and not attacked(home - 1, -side) then
        n = n + 1
        moves[n] = home + (home - 2) * TO + CASTLING * KIND
      end
    end
  end
  return moves, n
end

local function place(square, piece)
  key = key - keys[board[square]][square] + keys[piece][square]
  board[square] = piece
end

-- Returns false, with the position restored, if the move leaves the king in check.
local undo
local function make(move)
  local from, to, kind = move % TO, floor(move / TO) % TO, floor(move / KIND)
  local piece, taken = board[from], board[to]
  local top = depth_of_history
  history[top + 1], history[top + 2], history[top + 3] = move, taken, rights
  history[top + 4], history[top + 5] = passing, key
  depth_of_history = top + 5

  key = key - castling_keys[rights] - passing_keys[passing]
  rights = rights_left[rights * 128 + from] or rights
  rights = rights_left[rights * 128 + to] or rights
  passing = 0
  place(from, EMPTY)
  place(to, kind >= KNIGHT and kind <= QUEEN and kind * side or piece)
  if kind == DOUBLE then
    passing = (from + to) / 2
  elseif kind == PASSING then
    place(to + (side > 0 and S or N), EMPTY)
  elseif kind == CASTLING then
    local corner = to > from and to + 1 or to - 2
    place((from + to) / 2, board[corner])
    place(corner, EMPTY)
  end
  if piece == KING * side then kings[side] = to end
  key = key + castling_keys[rights] + passing_keys[passing] + side * SIDE_KEY
  side = -side
  if attacked(kings[-side], side) then
    undo()
    return false
  end
  return true
end

function undo()
  local top = depth_of_history - 5
  depth_of_history = top
  local move, taken = history[top + 1], history[top + 2]
  rights, passing, key = history[top + 3], history[top + 4], history[top + 5]
  side = -side
  local from, to, kind = move % TO, floor(move / TO) % TO, floor(move / KIND)
  local piece = board[to]
  if kind >= KNIGHT and kind <= QUEEN then piece = PAWN * side end
  board[from], board[to] = piece, taken
  if kind == PASSING then
    board[to + (side > 0 and S or N)] = -PAWN * side
  elseif kind == CASTLING then
    local corner = to > from and to + 1 or to - 2
    board[corner], board[(from + to) / 2] = ROOK * side, EMPTY
  end
  if piece == KING * side then kings[side] = from end
end

local function count_positions(depth)
  local moves, n = generate()
  local count = 0
  for i = 1, n do
    if make(moves[i]) then
      count = count + (depth > 1 and count_positions(depth - 1) or 1)
      undo()
    end
  end
  return count
end

-- The worth of a piece on a square: the middle is better, pawns go forward, kings stay at home.
local worth = {}
for piece = 1, 6 do
  worth[piece], worth[-piece] = {}, {}
  for square = 21, 98 do
    local row, column = floor(square / 10) - 2, square % 10 - 1
    local middle = 7 - abs(row - 3.5) - abs(column - 3.5)
    local bonus = middle * 4
    if piece == PAWN then bonus = (6 - row) * 6 + middle * 2 end
    if piece == ROOK or piece == QUEEN then bonus = middle end
    if piece == KING then bonus = -middle * 5 end
    worth[piece][square] = VALUES[piece] + bonus
    local mirrored = (9 - floor(square / 10) + 2) * 10 + square % 10
    worth[-piece][mirrored] = -VALUES[piece] - bonus
  end
end
worth[EMPTY] = setmetatable({}, { __index = function() return 0 end })
worth[OUTSIDE] = worth[EMPTY]

local function evaluate()
  local sum = 0
  for square = 21, 98 do
    local piece = board[square]
    if piece ~= EMPTY then sum = sum + worth[piece][square] end
  end
  return sum * side
end

local nodes, known = 0, {}
local promise = {}
local function better(a, b)
  local x, y = promise[a], promise[b]
  if x ~= y then return x > y end
  return a < b
end

local function order(moves, n, first)
  for i = 1, n do
    local move = moves[i]
    local taken = abs(board[floor(move / TO) % TO])
    local value = taken * 16 - abs(board[move % TO])
    if taken == EMPTY then value = worth[board[move % TO]][floor(move / TO) % TO] / 10000 end
    promise[move] = move == first and 1000 or value
  end
  table.sort(moves, better)
end

local function search(depth, alpha, beta, distance)
  nodes = nodes + 1
  local entry = known[key]
  if entry and distance > 0 and depth > 0 and entry.depth >= depth then
    if entry.exact or entry.score >= beta then return entry.score end
  end
  local best, best_move = -100000, nil
  if depth <= 0 then
    best = evaluate()
    if best >= beta then return best end
    if best > alpha then alpha = best end
  end
  local moves, n = generate(depth <= 0)
  order(moves, n, entry and entry.move)
  local legal = depth <= 0
  for i = 1, n do
    if make(moves[i]) then
      legal = true
      local score = -search(depth - 1, -beta, -alpha, distance + 1)
      undo()
      if score > best then
        best, best_move = score, moves[i]
        if best > alpha then alpha = best end
        if alpha >= beta then break end
      end
    end
  end
  if not legal then return attacked(kings[side], -side) and distance - 30000 or 0 end
  if depth > 0 and best_move then
    known[key] = { depth = depth, score = best, move = best_move, exact = alpha == best
      and best < beta }
  end
  return best, best_move
end

local function square_name(square)
  return string.char(96 + square % 10) .. 10 - floor(square / 10)
end

local function describe(move)
  local from, to, kind = move % TO, floor(move / TO) % TO, floor(move / KIND)
  if kind == CASTLING then return to > from and "O-O" or "O-O-O" end
  local piece = abs(board[from])
  return (piece == PAWN and "" or LETTERS[piece]) .. square_name(from)
    .. (board[to] ~= EMPTY and "x" or "-") .. square_name(to)
    .. (kind >= KNIGHT and kind <= QUEEN and "=" .. LETTERS[kind] or "")
end

local START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq -"
local TESTS = {
  { START, 20, 400, 8902 },
  { "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq -", 48, 2039 },
  { "8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - -", 14, 191, 2812, 43238 },
  { "r3k2r/Pppp1ppp/1b3nbN/nP6/BBP1P3/q4N2/Pp1P2PP/R2Q1RK1 w kq -", 6, 264, 9467 },
}
for _, test in ipairs(TESTS) do
  for depth = 1, #test - 1 do
    local expected = test[depth + 1]
    if expected > PLIES * 900 then break end
    setup(test[1])
    local before = key
    local count = count_positions(depth)
    if count ~= expected or key ~= before then
      error(("depth %d of %s: %d positions, expected %d"):format(depth, test[1], count, expected))
    end
  end
end

setup(START)
local line, game, score = {}, 1, 0
for ply = 1, PLIES do
  local move
  score, move = search(3, -100000, 100000, 0)
  if move then
    line[#line + 1] = describe(move)
    make(move)
  end
  if not move or ply == PLIES then
    print(("game %d, %d plies, score %d:"):format(game, #line, score))
    for i = 1, #line, 10 do print("  " .. table.concat(line, " ", i, math.min(i + 9, #line))) end
    setup(START)
    game, line, known = game + 1, {}, {}
  end
end
print(("%d nodes"):format(nodes))
