import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'vitest'
import type { PublicationDocument } from '../../crds/publication.ts'

/**
 * The way to a realm provider, which can be blocked.
 *
 * @param onConfirmed told of the cells of each publication the provider took, before whoever published it hears so
 */
export async function aWayTo(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  providerUrl: string,
  onConfirmed: (cells: string[]) => void,
) {
  const way = { url: '', isBlocked: false }
  const server = createServer(async (near, answer) => {
    const chunks: Buffer[] = []
    for await (const chunk of near) chunks.push(chunk as Buffer)
    if (way.isBlocked) {
      answer.destroy()
      return
    }
    const { method = 'GET', url = '' } = near
    const { host: _, connection: __, ...headers } = near.headers as Record<string, string>
    const body = Buffer.concat(chunks)
    const far = await fetch(`${providerUrl}${url}`, { method, headers, ...(body.length > 0 && { body }) })
    const text = await far.text()
    if (method === 'PUT' && far.ok)
      onConfirmed((JSON.parse(body.toString()) as PublicationDocument).endpoints.map(({ cell }) => cell))
    answer.writeHead(far.status, { etag: far.headers.get('etag') ?? '', 'content-type': 'application/json' }).end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  way.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return way
}
