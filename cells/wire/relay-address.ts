/** The UDP port that explorers know; Unity knows no other. */
export const PULSE_PORT = 7_777

/** The TCP port of a relay's loopback address to which `realmctl forward` brings the datagrams of its clients. */
export const RELAY_FORWARD_PORT = 7_779

/** Where a movement relay is reached, over UDP. */
export interface RelayAddress {
  /** A name or an IP address, that of IPv6 without brackets. */
  host: string
  port: number
}

const HOST = /^(?:\[(?<ipv6>[0-9a-f:.]+)\]|(?<name>[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?))(?::(?<port>\d{1,5}))?$/i

/** Reads `relay.example.org`, `203.0.113.7:7777` or `[2001:db8::7]:7777`; undefined for another text. */
export function readRelayAddress(text: string): RelayAddress | undefined {
  const { ipv6, name, port = PULSE_PORT } = HOST.exec(text)?.groups ?? {}
  const host = ipv6 ?? name
  return host === undefined || Number(port) < 1 || Number(port) > 65_535 ? undefined : { host, port: Number(port) }
}

/** The same as a text that every explorer reads: always with the port. */
export const relayText = ({ host, port }: RelayAddress): string => `${host.includes(':') ? `[${host}]` : host}:${port}`
