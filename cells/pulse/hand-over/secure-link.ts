import { createHash, hkdfSync } from 'node:crypto'
import { connect, createServer, type TLSSocket } from 'node:tls'

/**
 * TLS with a key that both sides know, in place of certificates: each proves to the other that it has the key, and those without it cannot read
 * or change what they say.
 */
const CIPHERS = 'ECDHE-PSK-CHACHA20-POLY1305:DHE-PSK-AES256-GCM-SHA384:PSK-AES256-GCM-SHA384'
const PARAMETERS = { ciphers: CIPHERS, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const
const HANDSHAKE_MS = 2_000

const keyOf = (secret: string): Buffer => Buffer.from(hkdfSync('sha256', secret, '', 'hand-over of a movement relay', 32))
/** Says which of its keys the other side means, without telling anything of it. */
const identityOf = (key: Buffer): string => `realm-pulse ${createHash('sha256').update(key).digest('hex').slice(0, 16)}`

/** A port on which a successor may ask. */
export interface LinkPort {
  readonly port: number
  close(): Promise<void>
}

export interface LinkPortOptions {
  port: number
  address?: string | undefined
  /** Read for each connection, of which any one is accepted. */
  secrets: () => readonly string[]
  onLink(link: TLSSocket): void
}

/** @throws when the port is taken */
export async function openLinkPort({ port, address, secrets, onLink }: LinkPortOptions): Promise<LinkPort> {
  const server = createServer({
    ...PARAMETERS,
    handshakeTimeout: HANDSHAKE_MS,
    pskCallback: (_, identity) => {
      const keys = secrets().map(keyOf)
      return keys.find((key) => identityOf(key) === identity) ?? null
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

/**
 * Connects with the first of the secrets that the other relay knows: while they are changed, one of both may have the new one only later.
 *
 * @throws when no relay listens there, or it knows none of them
 */
export async function openLink(address: string, port: number, secrets: readonly string[]): Promise<TLSSocket> {
  let refusal: unknown = new Error('there is no key')
  for (const secret of secrets) {
    try {
      return await connectWith(keyOf(secret), address, port)
    } catch (error) {
      refusal = error
    }
  }
  throw refusal
}

function connectWith(psk: Buffer, address: string, port: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const link = connect({
      ...{ ...PARAMETERS, host: address, port, timeout: HANDSHAKE_MS },
      pskCallback: () => ({ psk, identity: identityOf(psk) }),
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
