---@meta

---socket.url.
---@class socket.url
socket.url = {}
