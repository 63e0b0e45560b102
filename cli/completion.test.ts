import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const program = fileURLToPath(new URL('main.ts', import.meta.url))
const forKubectl = fileURLToPath(new URL('kubectl-complete.ts', import.meta.url))
const run = (file: string, ...args: string[]) => execFileSync(process.execPath, [file, ...args], { encoding: 'utf8' })
const wordsIn = (output: string) =>
  output
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(':'))
    .map((line) => line.split('\t')[0])

test('commands and their options are completed, also for kubectl', () => {
  expect(wordsIn(run(program, 'complete', '--', 'ro'))).toEqual(['rollout'])
  expect(wordsIn(run(forKubectl, 'rollout', ''))).toEqual(
    expect.arrayContaining(['status', 'pause', 'resume', 'undo', 'history']),
  )
  expect(wordsIn(run(program, 'complete', '--', 'status', '--w'))).toEqual(expect.arrayContaining(['--watch', '--wait']))
})

test('a script of kubectl that calls the plugin completes by it, also options that a command has itself', () => {
  expect(wordsIn(run(program, '__complete', 'ro'))).toEqual(['rollout'])
  expect(wordsIn(run(program, '__complete', 'status', '--w'))).toEqual(expect.arrayContaining(['--watch', '--wait']))
  for (const option of ['--help', '-h']) expect(run(program, '__complete', 'status', option)).not.toContain('Usage:')
})

test('bash takes the script and completes by it', { timeout: 30_000 }, () => {
  const script = `
    realmctl() { "$0" "$1" "\${@:2}"; }
    source <("$0" "$1" completion bash) && complete -p realmctl
  `
  const { stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath, program], { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^complete .*-F __realmctl_complete realmctl$/m)
})

test.for(['zsh', 'fish', 'powershell'])('there is a script for %s', (shell) => {
  expect(run(program, 'completion', shell)).toMatch(/realmctl/)
})

test('for another shell the known ones are named, with exit code 2', () => {
  const { status, stderr } = spawnSync(process.execPath, [program, 'completion', 'tcsh'], { encoding: 'utf8' })
  expect([status, stderr]).toEqual([2, expect.stringMatching(/bash, zsh, fish, powershell/)])
})
