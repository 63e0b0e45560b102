import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { freePort } from '../../../testing/free-port.ts'

/** A server at a port of its own that passes everything on to another one, or does not. */
export interface Front {
  url: string
  /** `hanging` accepts connections and answers nothing; `ended` accepts none. Connections from before are cut off. */
  become(state: 'up' | 'hanging' | 'ended'): Promise<void>
}

export async function aFront(to: string): Promise<Front> {
  const target = new URL(to)
  const sockets = new Set<Socket>()
  let isUp = true
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    return socket
  }
  const server = createServer((socket) => {
    keep(socket)
    if (!isUp) return
    const upstream = keep(connect(Number(target.port), target.hostname))
    socket.pipe(upstream).pipe(socket)
    socket.on('close', () => upstream.destroy())
    upstream.on('close', () => socket.destroy())
  })
  // It listens there again after it has ended, so no other program may take the port in between.
  const port = await freePort()
  const listen = () => once(server.listen(port, '127.0.0.1'), 'listening')
  const cutOff = () => {
    for (const socket of sockets) socket.destroy()
  }
  await listen()
  onTestFinished(() => {
    cutOff()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${port}`,
    async become(state) {
      isUp = state === 'up'
      if (state === 'ended' && server.listening) {
        const closed = once(server, 'close')
        server.close()
        cutOff()
        await closed
      } else if (state !== 'ended' && !server.listening) await listen()
      cutOff()
    },
  }
}
