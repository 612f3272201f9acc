---@meta

---socket.http.
---@class socket.http
socket.http = {}
