-- Every way to connect to a host and a port. Arguments: the directory of the test, the port of a
-- server that redirects, the port to connect to, hosts. Prints a line for each attempt: how, the
-- host, and "reached" or "denied"; what else can go wrong has nothing to do with permissions.
local root, redirecting, port = ...

local function url(scheme, host, of)
    local name = host:find(":", 1, true) and "[" .. host .. "]" or host
    return ("%s://%s:%s/"):format(scheme, name, of)
end

local ways = {
    http_get = function(host) return http_get(url("http", host, port)) end,
    https = function(host) return http_get(url("https", host, port), { insecure = true }) end,
    http_post = function(host) return http_post(url("http", host, port), "x") end,
    http_put = function(host) return http_put(url("http", host, port), "x") end,
    http_delete = function(host) return http_delete(url("http", host, port)) end,
    http_request = function(host) return http_request("PATCH", url("http", host, port), "x") end,
    download = function(host)
        return ft.download(url("http", host, port), root .. "/out/x", { progress = false })
    end,
    upload = function(host)
        return ft.upload(root .. "/data/a.csv", url("http", host, port), { progress = false })
    end,
    import = function(host) return import(url("http", host, port) .. "module.lua") end,
    redirect = function(host)
        return http_get(url("http", host, redirecting) .. "to/" .. url("http", host, port))
    end,
    ["redirect of an import"] = function(host)
        return import(url("http", host, redirecting) .. "to/" .. url("http", host, port))
    end,
    tcp_connect = function(host) return tcp_connect(host, tonumber(port)) end,
    udp_sendto = function(host) return udp_sendto(host, tonumber(port), "x") end,
    ws_connect = function(host) return ws_connect(url("ws", host, port)) end,
    wss = function(host) return ws_connect(url("wss", host, port), { insecure = true }) end,
}

for name, connect in pairs(ways) do
    for place = 4, select("#", ...) do
        local host = select(place, ...)
        local _, result, reason = pcall(connect, host)
        local message = tostring(reason or result)
        local is_denied = message:find("permission denied", 1, true)
        print(name .. "\t" .. host .. "\t" .. (is_denied and "denied" or "reached"))
    end
end
os.exit(0)
