import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** A web server that answers every request with what `body` returns; when that is undefined, it never answers. It ends with the test. */
export async function aWebServer(body: (path: string) => { status?: number; json: unknown } | undefined): Promise<string> {
  const server = createServer((request, response) => {
    const answer = body(request.url ?? '')
    if (answer) response.writeHead(answer.status ?? 200, { 'content-type': 'application/json' }).end(JSON.stringify(answer.json))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
