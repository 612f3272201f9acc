---@meta

---Type checks.
---
---```lua
---assert(types.is_number(42) and types.is_integer(42) and not types.is_integer(42.5))
---assert(types.is_string("x") and types.is_boolean(false) and types.is_nil(nil)
---  and types.is_table({}))
---assert(types.is_function(print) and types.is_callable(print))
---```
---@class types
types = {}

---The type of a value; or the field `__name` of its metatable, if that is a string.
---
---```lua
---assert(types.type(1) == "number" and types.type(nil) == "nil")
---assert(types.type(setmetatable({}, { __name = "account" })) == "account")
---```
---@param value any
---@return string
function types.type(value) end

---Whether a value is a number.
---@param value any
---@return boolean
function types.is_number(value) end

---Whether a value is a number without a fraction; infinities and NaN are not.
---@param value any
---@return boolean
function types.is_integer(value) end

---Whether a value is a string.
---@param value any
---@return boolean
function types.is_string(value) end

---Whether a value is true or false.
---@param value any
---@return boolean
function types.is_boolean(value) end

---Whether a value is nil or missing.
---@param value any
---@return boolean
function types.is_nil(value) end

---Whether a value is a table.
---@param value any
---@return boolean
function types.is_table(value) end

---Whether a value is a function.
---@param value any
---@return boolean
function types.is_function(value) end

---Whether a value can be called: whether it is a function, or its metatable has `__call`.
---
---```lua
---assert(types.is_callable(setmetatable({}, { __call = print })) and not types.is_callable({}))
---```
---@param value any
---@return boolean
function types.is_callable(value) end
