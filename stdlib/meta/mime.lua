---@meta

---mime.
---@class mime
mime = {}
