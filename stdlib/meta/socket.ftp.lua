---@meta

---socket.ftp.
---@class socket.ftp
socket.ftp = {}
