import { journalContract } from './journal.contract.ts'
import { MemoryJournal } from './memory-journal.ts'

journalContract('memory', () =>
  Promise.resolve({ journal: new MemoryJournal(), close: () => Promise.resolve() }),
)
