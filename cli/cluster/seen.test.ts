import { createServer } from 'node:http'
import { expect, type TestContext, test } from 'vitest'
import { createRawReader, readJson } from './raw-reader.ts'
import { seen } from './seen.ts'

async function aReader(t: TestContext, answer: string) {
  const server = createServer((_, response) => response.end(answer))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const raw = createRawReader({
    ...{ server: `http://127.0.0.1:${port}`, namespace: 'default', tls: {}, headers: async () => ({}) },
  })
  t.onTestFinished(async () => {
    await raw.stop()
    server.close()
  })
  return raw
}

test.for([
  ['<html>a proxy</html>', 100, /^The answer of the API server to \/version cannot be read: .*JSON/],
  ['"long"'.padEnd(200), 100, /^The answer of the API server to \/version cannot be read: .*longer than 100 bytes$/],
] as const)('an answer such as %s says that it cannot be read', async ([answer, maxBytes, message], t) => {
  const raw = await aReader(t, answer)
  const read = () => readJson(raw, '/version', { maxBytes })
  expect(await seen(read)).toEqual({ unseen: expect.stringMatching(message) })
  await expect(read()).rejects.toMatchObject({ exitCode: 4 })
})

test('an answer in JSON is seen', async (t) => {
  const raw = await aReader(t, '{"gitVersion":"v1.34.4"}')
  expect(await seen(() => readJson(raw, '/version'))).toEqual({ value: { gitVersion: 'v1.34.4' } })
})
