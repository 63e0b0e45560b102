import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

export interface UdpProxyOptions {
  /** UDP port of this machine to which datagrams are passed on. */
  target: number
  /** How a datagram fares in either direction; by default it arrives at once. `undefined` = it is lost. */
  delayMs?: () => number | undefined
}

/** A way to a UDP port of this machine: a load balancer, or a bad network. */
export interface UdpProxy {
  readonly port: number
  /** Sends what arrives from now on to another port; each client keeps its address there. */
  retarget(port: number): void
  close(): void
}

/** A delay for each datagram, of which a share is lost. The numbers are the same each time. */
export function badNetwork({ lossShare, delayMs }: { lossShare: number; delayMs: number }): () => number | undefined {
  let state = 1
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state < lossShare * 2 ** 32 ? undefined : delayMs
  }
}

/** Passes datagrams on between clients and a port. */
export async function udpProxy({ target, delayMs = () => 0 }: UdpProxyOptions): Promise<UdpProxy> {
  let to = target
  let isClosed = false
  const upstreams = new Map<number, Socket>()
  const pass = (send: () => void) => {
    const delay = delayMs()
    const sendIfOpen = () => {
      if (!isClosed) send()
    }
    if (delay === 0) sendIfOpen()
    else if (delay !== undefined) setTimeout(sendIfOpen, delay)
  }
  const socket = createSocket('udp4')
  const upstreamOf = (clientPort: number): Socket => {
    const known = upstreams.get(clientPort)
    if (known) return known
    const upstream = createSocket('udp4')
    // A client accepts answers from the address it knows only, and so does this proxy: as a translation of addresses.
    upstream.on('message', (bytes, from) => {
      if (from.port === to) pass(() => socket.send(bytes, clientPort, '127.0.0.1'))
    })
    upstream.on('error', () => undefined)
    upstreams.set(clientPort, upstream)
    return upstream
  }
  socket.on('message', (bytes, from) => pass(() => upstreamOf(from.port).send(bytes, to, '127.0.0.1')))
  socket.on('error', () => undefined)
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    port: socket.address().port,
    retarget: (port) => {
      to = port
    },
    close: () => {
      isClosed = true
      socket.close()
      for (const upstream of upstreams.values()) upstream.close()
    },
  }
}
