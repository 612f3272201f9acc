---@meta

---ltn12.
---@class ltn12
ltn12 = {}
