import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { DatagramFrames, writeDatagram } from '../wire/datagram-frames.ts'

/** Connections at a time; each is one client. */
const MAX_CLIENTS = 32
/** A client sends a sign of life twice a second. */
const IDLE_MS = 30_000

export interface ForwardedClientsOptions {
  /** TCP port; 0 takes a free one. */
  port: number
  /** The UDP port of the relay. */
  udpPort: number
  /** The address at which the relay listens; that of the machine itself where it listens on all. */
  udpAddress?: string | undefined
}

/** The TCP port at which datagrams of clients arrive. */
export interface ForwardedClients {
  readonly port: number
  /** Ends the connections. */
  stop(): Promise<void>
}

/**
 * Opens a TCP port for clients that reach the relay through a port-forward, which carries no UDP: `realmctl forward`. It is a port of the
 * loopback address, so that it is reached by who may port-forward to the pod, and not over the network. Each connection is a
 * client, whose datagrams (`DatagramFrames`) go to the relay from a UDP socket of its own, and those of the relay back.
 *
 * @throws when the port is taken
 */
export async function openForwardedClients({
  port,
  udpPort,
  udpAddress = '127.0.0.1',
}: ForwardedClientsOptions): Promise<ForwardedClients> {
  const connections = new Set<Socket>()
  const server = createServer((connection) => {
    connections.add(connection)
    connection.once('close', () => connections.delete(connection)).on('error', () => connection.destroy())
    join(connection, createSocket(udpAddress.includes(':') ? 'udp6' : 'udp4'), { port: udpPort, address: udpAddress })
  })
  server.maxConnections = MAX_CLIENTS
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      for (const connection of connections) connection.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function join(connection: Socket, udp: UdpSocket, relay: { port: number; address: string }): void {
  const end = () => void connection.destroy()
  connection.setNoDelay(true).setTimeout(IDLE_MS, end)
  connection.once('close', () => udp.close())
  udp.on('error', end)
  udp.on('message', (datagram) => writeDatagram(connection, datagram))
  // Connected: what others send to its port is not the relay's.
  udp.connect(relay.port, relay.address, (error?: Error) => {
    if (error) return end()
    const frames = new DatagramFrames((datagram) => udp.send(datagram))
    connection.on('data', (bytes) => {
      if (!frames.read(bytes)) end()
    })
  })
}
