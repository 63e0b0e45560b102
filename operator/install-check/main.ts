import { z } from 'zod'
import { withoutTrailingSlash } from '../../cells/chassis/base-url.ts'
import { systemClock } from '../../cells/chassis/clock.ts'
import { parseEnv } from '../../cells/chassis/config.ts'
import { fetchJson } from '../../cells/chassis/fetch-json.ts'
import { runProcess } from '../../cells/chassis/lifecycle.ts'
import { createLog } from '../../cells/chassis/log.ts'
import { findKubeAccess } from '../../cells/kube/kube-access.ts'
import { createKubeClient } from '../../cells/kube/pooled-kube-client.ts'
import { joinCell } from '../observers/synthetic-join/join-cell.ts'
import { checkInstallation } from './install-check.ts'

/** Environment variables of the check of an installation, which `helm test` runs. */
export const installCheckVariables = z.object({
  PROVIDER_URL: z
    .url({ protocol: /^https?$/ })
    .transform(withoutTrailingSlash)
    .describe('Base URL of the realm provider.'),
  CHECK_NAMESPACE: z.string().min(1).describe('Namespace in which it makes a realm, and removes it again.'),
  CHECK_SECONDS: z.coerce.number().int().min(1).default(180).describe('How long that realm may take until it is published.'),
})

/** Longest `/about` that is read. */
const MAX_BYTES = 1024 * 1024
const STEP_MS = 10_000

async function main(env: NodeJS.ProcessEnv): Promise<undefined> {
  const { PROVIDER_URL: providerUrl, CHECK_NAMESPACE: namespace, CHECK_SECONDS } = parseEnv(installCheckVariables, env)
  const client = createKubeClient({ access: await findKubeAccess(env) })
  await checkInstallation({
    kube: client,
    ...{ namespace, providerUrl, clock: systemClock, patienceMs: CHECK_SECONDS * 1000 },
    fetch: (url) => fetchJson(url, { timeoutMs: STEP_MS, maxBytes: MAX_BYTES }),
    join: (url) => joinCell(url, STEP_MS),
    say: (sentence) => void process.stdout.write(`${sentence}\n`),
  })
  await client.stop()
}

// A signal waits until the realm is removed.
if (import.meta.main) await runProcess(createLog('install-check'), () => main(process.env), { finishStarting: true })
