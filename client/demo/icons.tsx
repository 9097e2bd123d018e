/** The few icons of the workspace, drawn on a grid of 20. */
import type { ReactNode } from 'react'

type IconProps = { readonly children: ReactNode }

function Icon({ children }: IconProps) {
  return (
    <svg
      className="icon"
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  )
}

export const PageIcon = () => (
  <Icon>
    <path d="M5 3.5h6.500L15 7v9.500H5z" />
    <path d="M11.500 3.500V7H15" />
  </Icon>
)

export const PlusIcon = () => (
  <Icon>
    <path d="M10 4.500v11M4.500 10h11" />
  </Icon>
)

export const CheckIcon = () => (
  <Icon>
    <path d="m4.500 10.500 3.500 3.500 7.500-8" />
  </Icon>
)

export const CloudOffIcon = () => (
  <Icon>
    <path d="M3.500 3.500l13 13M8 5.600A4.500 4.500 0 0 1 14.300 9.200 3.300 3.300 0 0 1 16.400 14M12.500 15.500H6a3.500 3.500 0 0 1-.6-6.950" />
  </Icon>
)

export const WarningIcon = () => (
  <Icon>
    <path d="M10 3.500 17.500 16.500h-15z" />
    <path d="M10 8.500v3.500M10 14.200v.1" />
  </Icon>
)

export const NetworkIcon = () => (
  <Icon>
    <path d="M2.500 8a11 11 0 0 1 15 0M5 11a7.300 7.300 0 0 1 10 0M7.500 13.900a3.700 3.700 0 0 1 5 0M10 16.600v.1" />
  </Icon>
)

export const LeaveIcon = () => (
  <Icon>
    <path d="M8 3.500H4.500v13H8M12.500 6.500 16 10l-3.500 3.500M16 10H8" />
  </Icon>
)

export const BoldIcon = () => (
  <Icon>
    <path d="M6.500 4.500h4.250a2.750 2.750 0 0 1 0 5.500H6.500zM6.500 10h5a2.750 2.750 0 0 1 0 5.500h-5z" />
  </Icon>
)

export const ItalicIcon = () => (
  <Icon>
    <path d="M8.500 4.500h5M6.500 15.500h5M11.500 4.500l-3 11" />
  </Icon>
)

export const StrikeIcon = () => (
  <Icon>
    <path d="M4 10h12M13.500 6.500c-.4-1.200-1.700-2-3.500-2-2 0-3.400 1-3.400 2.500 0 .6.2 1.100.6 1.500M6.500 13.500c.4 1.200 1.700 2 3.500 2 2 0 3.500-1 3.500-2.500 0-.4-.1-.7-.3-1" />
  </Icon>
)

export const ListIcon = () => (
  <Icon>
    <path d="M8 5.500h8.500M8 10h8.500M8 14.500h8.500M4 5.500v.1M4 10v.1M4 14.500v.1" />
  </Icon>
)

export const QuoteIcon = () => (
  <Icon>
    <path d="M4.500 4.500v11M8.500 6.500h7M8.500 10h7M8.500 13.500h4" />
  </Icon>
)

export const CodeIcon = () => (
  <Icon>
    <path d="m7 6-4 4 4 4M13 6l4 4-4 4" />
  </Icon>
)

export const CloseIcon = () => (
  <Icon>
    <path d="m5 5 10 10M15 5 5 15" />
  </Icon>
)

export const DownloadIcon = () => (
  <Icon>
    <path d="M10 3.500v9M6.500 9.500 10 13l3.500-3.500M4 16.500h12" />
  </Icon>
)

export const TrashIcon = () => (
  <Icon>
    <path d="M4 5.500h12M8 5.500v-2h4v2M5.500 5.500l.7 11h7.600l.7-11" />
  </Icon>
)

export const ShareIcon = () => (
  <Icon>
    <path d="M8 9a3 3 0 1 0 0-6 3 3 0 0 0 0 6M2.500 16.500a5.500 5.500 0 0 1 8.500-4.600M15 11.500v5M12.500 14h5" />
  </Icon>
)

export const LinkIcon = () => (
  <Icon>
    <path d="M8.500 11.500a3 3 0 0 0 4.250 0l2.500-2.500a3 3 0 0 0-4.250-4.250l-1 1M11.500 8.500a3 3 0 0 0-4.250 0l-2.500 2.500A3 3 0 0 0 9 15.250l1-1" />
  </Icon>
)

export const LockIcon = () => (
  <Icon>
    <path d="M5 9.500h10v7H5zM7 9.500V7a3 3 0 0 1 6 0v2.500" />
  </Icon>
)

export const EyeIcon = () => (
  <Icon>
    <path d="M2.500 10S5 5 10 5s7.500 5 7.500 5-2.500 5-7.500 5-7.500-5-7.500-5z" />
    <path d="M10 12a2 2 0 1 0 0-4 2 2 0 0 0 0 4" />
  </Icon>
)

export const CopyIcon = () => (
  <Icon>
    <path d="M7 7h9.500v9.500H7zM13 7V3.500H3.500V13H7" />
  </Icon>
)

export const BoardIcon = () => (
  <Icon>
    <path d="M3.500 4.500h7v6h-7zM13.500 9.500a3 3 0 1 0 .1 0M8 13.500h3v3H8z" />
  </Icon>
)

export const CodePageIcon = () => (
  <Icon>
    <path d="M3.500 4.500h13v11h-13z" />
    <path d="m6.500 8 2 2-2 2M10.500 12.500h3" />
  </Icon>
)

export const RectangleIcon = () => (
  <Icon>
    <path d="M3.500 5.500h13v9h-13z" />
  </Icon>
)

export const EllipseIcon = () => (
  <Icon>
    <ellipse cx="10" cy="10" rx="6.800" ry="5.300" />
  </Icon>
)

export const NoteIcon = () => (
  <Icon>
    <path d="M4 4h12v8l-4 4H4zM16 12h-4v4M7 7.500h6" />
  </Icon>
)

export const UndoIcon = () => (
  <Icon>
    <path d="M7.500 4.500 4 8l3.500 3.500M4 8h7.500a4 4 0 0 1 0 8H8" />
  </Icon>
)

export const RedoIcon = () => (
  <Icon>
    <path d="M12.500 4.500 16 8l-3.500 3.500M16 8H8.500a4 4 0 0 0 0 8H12" />
  </Icon>
)

export const AgentIcon = () => (
  <Icon>
    <path d="M4.500 7.500h11v8h-11zM10 7.500v-3M7.800 11v.6M12.200 11v.6M2.500 10.500v2.500M17.500 10.500v2.500" />
  </Icon>
)

export const ChevronIcon = () => (
  <Icon>
    <path d="m6 8 4 4 4-4" />
  </Icon>
)
