import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { onTestFinished } from 'vitest'

/** Starts a server on this machine until the test ends; returns its port. */
export async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/**
 * An HTTP proxy that connects to a port of this machine, whatever host is named, and answers requests for `http:` URLs itself; `asked` are
 * the hosts.
 */
export async function startHttpProxy(targetPort: number): Promise<{ asked: string[]; url: string }> {
  const asked: string[] = []
  const proxy = createServer((incoming, outgoing) => {
    asked.push(new URL(incoming.url ?? '').host)
    outgoing.end('"by proxy"')
  })
  proxy.on('connect', ({ url }, client) => {
    asked.push(String(url))
    const target = connect(targetPort, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      target.pipe(client).pipe(target)
    })
    client.on('error', () => target.destroy())
    target.on('error', () => client.destroy())
  })
  return { asked, url: `http://127.0.0.1:${await listening(proxy)}` }
}
