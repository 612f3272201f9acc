---@meta

---socket.smtp.
---@class socket.smtp
socket.smtp = {}
