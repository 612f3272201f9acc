-- ssl.config: what this implementation of TLS has.
local function set(...)
    local names = {}
    for _, name in ipairs({ ... }) do names[name] = true end
    return names
end

return {
    protocols = set("tlsv1_2", "tlsv1_3"),
    algorithms = { ec = true },
    capabilities = { alpn = true, curves_list = true, ecdh_auto = true },
    curves = set("P-256", "P-384", "X25519", "prime256v1", "secp256r1", "secp384r1"),
    -- Old protocols are never used, and there is neither compression nor renegotiation.
    options = set("all", "cipher_server_preference", "no_compression", "no_renegotiation",
        "no_sslv2", "no_sslv3", "no_ticket", "no_tlsv1", "no_tlsv1_1", "no_tlsv1_2", "no_tlsv1_3",
        "single_dh_use", "single_ecdh_use"),
}
