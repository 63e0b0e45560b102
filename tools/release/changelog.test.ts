import { expect, test } from 'vitest'
import { cutChangelog, sectionOf } from './changelog.ts'

const changelog = `# Changelog

## Unreleased

### Added
- A second realm.

## 0.1.0 - 2026-01-31

### Added
- A realm.
`

test('what is unreleased gets the version and the date, below an empty section', () => {
  const cut = cutChangelog(changelog, '0.2.0', '2026-02-28')
  expect(cut).toBe(changelog.replace('## Unreleased\n', '## Unreleased\n\n## 0.2.0 - 2026-02-28\n'))
  expect(sectionOf(cut, '0.2.0')).toBe('### Added\n- A second realm.')
  expect(sectionOf(cut, '0.1.0')).toBe('### Added\n- A realm.')
  expect(sectionOf(cut, 'Unreleased')).toBe('')
})

test('a version that has a section, or a section without changes, is not cut', () => {
  expect(() => cutChangelog(changelog, '0.1.0', '2026-02-28')).toThrow('has a section of 0.1.0 already')
  expect(() => cutChangelog(cutChangelog(changelog, '0.2.0', '2026-02-28'), '0.3.0', '2026-03-01')).toThrow(
    'nothing that is unreleased',
  )
  expect(() => sectionOf(changelog, '0.2.0')).toThrow('--cut')
})
