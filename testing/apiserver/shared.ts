import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import type { ApiServerPlace, OwnApiServer } from './apiserver.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the process of a run says where its API server is. */
    apiServerUrl: string
  }
}

/**
 * Lets the files of a run share one API server, whose start takes two cores some seconds. It is started for the first file that asks,
 * so that a run of other files does without.
 */
export default async function shareApiServer(project: TestProject): Promise<() => Promise<void>> {
  let starting: Promise<OwnApiServer> | undefined
  const start = async (part: string) => (await import('./apiserver.ts')).startApiServer(part)
  const server = createServer(async ({ url = '/' }, answer) => {
    try {
      starting ??= start(new URL(url, 'http://run').searchParams.get('part') ?? '')
      answer.end(JSON.stringify((await starting).place))
    } catch (error) {
      answer.writeHead(500).end(String(error))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  project.provide('apiServerUrl', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return async () => {
    server.close()
    server.closeAllConnections()
    await starting?.then(
      (api) => api.stop(),
      () => undefined, // the files that asked for it have failed with the reason
    )
  }
}

/** The place of the API server of this run. @throws when it does not start */
export async function sharedPlace(url: string, part: string): Promise<ApiServerPlace> {
  const answer = await fetch(`${url}/?${new URLSearchParams({ part })}`)
  if (!answer.ok) throw new Error(await answer.text())
  return (await answer.json()) as ApiServerPlace
}
