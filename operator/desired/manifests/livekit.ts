/** The configuration of a Managed LiveKit: one UDP port for all media, no lookup of a public address. */
export const livekitConfig = `port: 7880
rtc:
  tcp_port: 7881
  udp_port: 7882
  use_external_ip: false
logging:
  json: true
  level: info
`
