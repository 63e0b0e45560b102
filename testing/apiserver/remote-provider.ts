import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import type { ManualClock } from '../../cells/chassis/clock.ts'
import { aProvider } from '../../cells/realm-provider/fixtures.ts'
import { EPOCH_HEADER, type PublicationDocument } from '../../crds/publication.ts'

type Finishing = Pick<TestContext, 'onTestFinished'>

const TOKEN = 'a-token-of-some-length'

/**
 * A realm provider of another cluster, and the environment with which an operator publishes to it, directly or through a proxy.
 */
export async function aRemoteProvider(context: Finishing, clock?: ManualClock) {
  const time = clock ? { clock } : { realTime: true }
  const provider = await aProvider(context, { ...time, config: { PUBLICATION_TOKEN: TOKEN } })
  const folder = await mkdtemp(join(tmpdir(), 'token-'))
  context.onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const tokenFile = join(folder, 'token')
  await writeFile(tokenFile, `${TOKEN}\n`)
  const envFor = (url: string) => ({ PUBLICATION_PROVIDERS: JSON.stringify([{ url, tokenFile }]) })
  return { ...provider, envFor, env: envFor(provider.url) }
}

/** A publication that was sent to a provider, and whether the provider accepted it. */
export interface Sent {
  cells: string[]
  /** Since when the operator that sent it has been leading. */
  epoch: number
  isTaken: boolean
}

/**
 * Starts a proxy to a realm provider whose connections can be blocked.
 *
 * @param onSent called with each publication that the provider answered, before the operator receives the answer
 */
export async function aBlockableProxy({ onTestFinished }: Finishing, providerUrl: string, onSent: (sent: Sent) => void) {
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
    if (method === 'PUT') {
      const { endpoints } = JSON.parse(body.toString()) as PublicationDocument
      onSent({ cells: endpoints.map(({ cell }) => cell), epoch: Number(headers[EPOCH_HEADER]), isTaken: far.ok })
    }
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
