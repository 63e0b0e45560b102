import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../cells/chassis/clock.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { Metrics } from '../../cells/chassis/metrics.ts'
import { createVerifier } from '../../cells/identity/verifier.ts'
import { startPulse } from '../../cells/pulse/service.ts'
import { startProgram } from '../program.ts'

test('players of another process stay connected to a relay, and are told of each other', { timeout: 60_000 }, async () => {
  const verifier = createVerifier({ log: silentLog, workers: 1 })
  const relay = await startPulse(
    { address: '127.0.0.1', port: 0 },
    { log: silentLog, clock: systemClock, verifier, metrics: new Metrics('pulse') },
  )
  onTestFinished(async () => {
    await relay.stop()
    await verifier.close()
  })
  const main = fileURLToPath(new URL('./main.ts', import.meta.url))
  const args = [main, `127.0.0.1:${relay.port}`, 'main', '--players', '40', '--metres', '30', '--seconds', '20']
  await using movers = startProgram(process.execPath, args)
  await movers.prints(/40 players walk/)
  // Each sees 39 others, who take ten steps a second; a machine that is busy with other tests passes on some of them only.
  const [, lost = '', deltas = ''] = await movers.prints(/"lost":(\d+),"datagrams":\d+,"deltas":(\d{4,})/)
  expect(lost).toBe('0')
  expect(Number(deltas)).toBeGreaterThanOrEqual(1_000)
})
