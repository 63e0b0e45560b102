import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { createLog } from '../../cells/chassis/log.ts'
import { fuzz } from './fuzz.ts'
import { livekitSecret, startFuzzedServices, tokens } from './services.ts'
import { allTargets } from './targets/all.ts'

/** Bearer tokens, the key of LiveKit, its tokens, signatures, and the challenges that were signed. */
const secrets = [...Object.values(tokens), livekitSecret, 'access_token=', /0x[0-9a-f]{130}/i, /"dcl-[^"]{8}/]
const inputs = 40

test('no log at any level holds a secret, a token or a signature, and no metric a wallet', async () => {
  const lines: string[] = []
  const destination = new Writable({
    write(line, _, done) {
      lines.push(String(line))
      done()
    },
  })
  const log = createLog('all', 'debug', { destination })
  const services = await startFuzzedServices({ log })
  try {
    await services.serveHonestly()
    for (const target of allTargets.filter(({ name }) => ['chains', 'signed-fetch', 'publications', 'requests'].includes(name)))
      await fuzz(target, services, { seed: 1, done: (sent) => sent / inputs, batch: inputs })
    const written = lines.join('')
    expect(written).toContain('a request was not signed')
    for (const secret of secrets) expect(written).not.toMatch(secret)
    for (const server of ['connector', 'gatekeeper', 'stats', 'peers'] as const) {
      const metrics = await (await fetch(`${services.urls[server]}/metrics`)).text()
      expect(metrics).toMatch(/^realm_/m)
      for (const secret of [...secrets, /0x[0-9a-f]{40}/i]) expect(metrics).not.toMatch(secret)
    }
  } finally {
    await services.stop()
  }
}, 120_000)
