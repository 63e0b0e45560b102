import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import { createLog } from '../../../cells/chassis/log.ts'
import { KubeError } from '../../../cells/kube/kube-error.ts'
import { resources } from '../../../cells/kube/resources.ts'
import { aTracedService } from '../../../testing/trace-collector.ts'
import { soleLeadership } from '../../leader/leadership.ts'
import { Pass } from '../../reconcile/pass.ts'
import { WorkQueue } from '../../reconcile/queue.ts'
import { FencedApi } from './fenced-api.ts'

const key = { namespace: 'metaverse', name: 'stats' }
const object = { apiVersion: 'v1', kind: 'Service', metadata: key }

/** A cluster that refuses what its `refusal` says. */
const aCluster = () => {
  const cluster = {
    refusal: undefined as KubeError | undefined,
    apply: async () => {
      if (cluster.refusal) throw cluster.refusal
      return object
    },
    create: async () => object,
    get: async () => undefined,
    merge: async () => object,
    remove: async () => true,
  }
  return cluster
}

test('the span of a pass has the id of its log, its outcome, and the writes below it; another pass that it starts has its own', async () => {
  const { tracer, spans } = await aTracedService()
  const cluster = aCluster()
  const api = new FencedApi(cluster as never, soleLeadership, tracer)
  const lines: { key: string; reconcileID: string }[] = []
  const log = createLog('test', 'info', {
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
    fields: Pass.fields,
  })
  const reconcile = async (item: string) => {
    log.info('a pass')
    if (item === 'b') cluster.refusal = new KubeError('PATCH', 403, { message: 'quota of secret-team is used up' })
    await api.apply(resources.Service, object, true)
    queue.add('b')
    await api.apply(resources.Service, object, true, 'status')
    await api.remove(resources.Service, key, 'uid')
    return 'on-change' as const
  }
  const describe = (item: string) => ({ kind: 'Realm', name: item })
  const queue = new WorkQueue({ reconcile, clock: new ManualClock(), log, tracer, describe, workers: 1 })
  queue.add('a')
  queue.start()
  while (!queue.idle) await new Promise(setImmediate)
  await queue.stop()
  const received = await spans()
  const [a, b] = received.filter(({ name }) => name === 'reconcile')
  expect(a?.fields).toEqual({ kind: 'Realm', name: 'a', outcome: 'success', reconcileID: lines[0]?.reconcileID })
  expect(b).toMatchObject({ parent: '', failed: true, fields: { name: 'b', 'error.type': 'KubeError' } })
  expect(b?.trace).not.toBe(a?.trace)
  const below = (id?: string) => received.filter(({ parent }) => parent === id).map(({ fields }) => fields)
  const write = { kind: 'Service', ...key }
  expect(below(a?.id)).toEqual(['apply', 'applyStatus', 'remove'].map((verb) => ({ verb, ...write })))
  expect(below(b?.id)).toEqual([{ verb: 'apply', ...write, status: 403, 'error.type': 'KubeError' }])
  expect(JSON.stringify(received)).not.toContain('secret-team')
})
