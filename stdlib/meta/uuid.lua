---@meta

---Random UUIDs (RFC 9562, version 4).
---@class uuid
uuid = {}

---A new random UUID (version 4).
---
---```lua
---local id = uuid.v4()
---assert(#id == 36 and id ~= uuid.v4())
---```
---@return string id such as "0a7e5d3c-94c1-4b0e-8f11-7d0e6f2c9a55"
function uuid.v4() end

---The same without hyphens.
---
---```lua
---assert(uuid.v4_without_hyphens():find("^%x+$"))
---```
---@return string id 32 hexadecimal digits
function uuid.v4_without_hyphens() end

---Whether a string is a UUID, of any version, with or without hyphens.
---
---```lua
---assert(uuid.is_valid(uuid.v4()) and not uuid.is_valid("0a7e5d3c"))
---```
---@param text string
---@return boolean valid
function uuid.is_valid(text) end
