import { expect } from 'vitest'
import { realmctlCommands, runRealmctl } from '../testing/realmctl.ts'
import { jsonOutputs } from '../tools/generate-docs/json-outputs.ts'

/** A run of a command: its words after its name, the exit code, and a line of what it prints on either output. */
export interface VerbRun {
  args: readonly string[]
  code?: number
  says: RegExp
}

const WALLET = `0x${'a1'.repeat(20)}`

/** Which commands run against realms of this machine. They change nothing that another of them reads, and may run at once. */
export const verbsOfThisMachine = (at: { url: string; realm: string; tokenFile: string; manifest: string }) => {
  const asModerator = ['-g', `${at.url}/${at.realm}/gatekeeper`, '--token-file', at.tokenFile]
  const [banned, kicked, free] = [WALLET, WALLET.replace('a1', 'b2'), WALLET.replace('a1', 'c3')]
  return {
    join: { args: [`${at.url}/${at.realm}`], says: /^welcome +\d+ ms +as 0x\w{40}$/m },
    islands: { args: [`${at.url}/${at.realm}`, '-o', '-'], says: /<svg / },
    top: { args: [at.url], says: new RegExp(`^${at.realm} +healthy`, 'm') },
    load: { args: [`${at.url}/${at.realm}`, '--players', '2', '--for', '1s'], says: /^players +2 of 2 joined/m },
    validate: { args: ['-f', at.manifest], says: /: the Realm main can be applied\.$/m },
    render: { args: ['-f', at.manifest], says: /^kind: Deployment$/m },
    ban: { args: [banned, '-r', 'spam', '--days', '2', ...asModerator], says: /^Banned 0x\w+ for 2 days\.$/m },
    kick: { args: [kicked, '-r', 'shouting', ...asModerator], says: /^Kicked 0x\w+: / },
    unban: { args: [free, ...asModerator], code: 1, says: /No active ban was found/ },
    who: { args: [kicked, ...asModerator], says: /^connected +no$/m },
    bans: { args: asModerator, says: /^(WALLET|No player is banned)/ },
    decisions: { args: asModerator, says: /^(AT |No )/ },
    admins: { args: asModerator, says: /^tools +the token$/m },
    completion: { args: ['bash'], says: /realmctl/ },
  } satisfies Record<string, VerbRun>
}

/** Which commands run against a cluster with the realm `main` of one cell; they change it, and run in this order, after it has come to rest. */
export const verbsOfCluster = (at: { kubeconfig: string; namespace: string; report: string }) => {
  const here = ['-n', at.namespace, '--kubeconfig', at.kubeconfig]
  const anywhere = ['--kubeconfig', at.kubeconfig]
  return {
    status: { args: ['main', '--wait', '3m', ...here], says: /^state +as its spec says$/m },
    get: { args: here, says: /^main +City +True +True +\d+ +1\/1/m },
    'rollout status': {
      args: ['main', ...here],
      says: /^main runs version \S+: every cell and service is of its present spec\.$/m,
    },
    'rollout history': { args: ['main', ...here], says: /^REVISION [\s\S]* main-0$/m },
    doctor: { args: anywhere, says: /^ok +operator, .*2 of 2 ready[\s\S]*^0 failed,/m },
    version: { args: anywhere, says: /^operator +\S+ +realm-operator\/realm-operator, /m },
    report: { args: ['main', '-o', at.report, ...here], says: /: \d+ files\./ },
    scale: { args: ['main', '--cells', '2', '--wait', '2m', ...here], says: /^main gets 2 cells\.$/m },
    cordon: { args: ['main-1', '--wait', '1m', ...here], says: /^main-1 is cordoned\.$/m },
    drain: { args: ['main-1', '--wait', '1m', ...here], says: /^main-1 is drained\.$/m },
    uncordon: { args: ['main-1', '--wait', '1m', ...here], says: /^main-1 is serving\.$/m },
    'rollout pause': { args: ['main', ...here], says: /^main is paused: / },
    'rollout resume': { args: ['main', ...here], says: /^main goes on\./ },
    'rollout undo': { args: ['main', ...here], code: 1, says: /Give the version to go back to: --to-version/ },
    install: {
      args: ['--image-repository', 'r.example/realm', '--dry-run', ...anywhere],
      code: 1,
      says: /^The release realm-operator of Helm is installed/,
    },
    uninstall: { args: ['--dry-run', ...anywhere], code: 1, says: /^The release realm-operator of Helm is installed/ },
  } satisfies Record<string, VerbRun>
}

/** They run until they are stopped: the tests of a start try the first, those of a realm in a cluster the second. */
export const RUNS_ON = ['up', 'forward']

/** Runs a command as a process, and once more with `-o json` where it has that: the reference has every field that it prints. */
export async function tryVerb(words: string, { args, code = 0, says }: VerbRun, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const { code: endedWith, out, err } = await runRealmctl([...words.split(' '), ...args], env)
  expect([words, endedWith, `${out}${err}`]).toEqual([words, code, expect.stringMatching(says)])
  if (!realmctlCommands().some((command) => command.words === words && command.hasJson)) return
  const again = await runRealmctl([...words.split(' '), ...args, '-o', 'json'], env)
  expect([words, again.code, jsonOutputs[words]?.safeParse(parsed(again.out)).error?.message]).toEqual([words, code, undefined])
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text.slice(0, 200)
  }
}
