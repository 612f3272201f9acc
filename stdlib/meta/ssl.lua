---@meta

---ssl.
---@class ssl
ssl = {}
