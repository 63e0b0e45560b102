import { hkdfSync } from 'node:crypto'
import { connect, createServer, type TLSSocket } from 'node:tls'

/**
 * TLS with a key that both sides know, in place of certificates: each proves to the other that it has the key, and those without it cannot read
 * or change what they say.
 */
const CIPHERS = 'ECDHE-PSK-CHACHA20-POLY1305:DHE-PSK-AES256-GCM-SHA384:PSK-AES256-GCM-SHA384'
const IDENTITY = 'realm-pulse'
const PARAMETERS = { ciphers: CIPHERS, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const
const HANDSHAKE_MS = 2_000

const keyOf = (secret: string): Buffer => Buffer.from(hkdfSync('sha256', secret, '', 'hand-over of a movement relay', 32))

/** A port on which a successor may ask. */
export interface LinkPort {
  readonly port: number
  close(): Promise<void>
}

export interface LinkPortOptions {
  port: number
  address?: string | undefined
  /** Read for each connection; undefined = none is accepted. */
  secret: () => string | undefined
  onLink(link: TLSSocket): void
}

/** @throws when the port is taken */
export async function openLinkPort({ port, address, secret, onLink }: LinkPortOptions): Promise<LinkPort> {
  const server = createServer({
    ...PARAMETERS,
    handshakeTimeout: HANDSHAKE_MS,
    pskCallback: (_, identity) => {
      const known = secret()
      return identity === IDENTITY && known ? keyOf(known) : null
    },
  })
  const open = new Set<TLSSocket>()
  server.on('secureConnection', (link) => {
    open.add(link)
    link.on('close', () => open.delete(link))
    link.on('error', () => link.destroy())
    link.setNoDelay(true)
    onLink(link)
  })
  // Strangers, and those with another key.
  server.on('tlsClientError', (_, socket) => socket.destroy())
  server.maxConnections = 16
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, resolve)
  })
  const bound = server.address()
  return {
    port: typeof bound === 'object' && bound ? bound.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const link of open) link.destroy()
      }),
  }
}

/** @throws when no relay listens there, or it has another key */
export function openLink(address: string, port: number, secret: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const link = connect({
      ...{ ...PARAMETERS, host: address, port, timeout: HANDSHAKE_MS },
      pskCallback: () => ({ psk: keyOf(secret), identity: IDENTITY }),
      // There is no certificate: the key is the proof.
      checkServerIdentity: () => undefined,
    })
    const fail = (error: Error) => {
      link.destroy()
      reject(error)
    }
    link.once('error', fail)
    link.once('timeout', () => fail(new Error('it does not answer')))
    link.once('secureConnect', () => {
      link.setTimeout(0)
      link.off('error', fail)
      link.on('error', () => link.destroy())
      link.setNoDelay(true)
      resolve(link)
    })
  })
}
