---@meta

---socket.
---@class socket
socket = {}
