/** The bell of the product's name. Takes the color of the text around it. */
export function Logo({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" aria-hidden="true">
      <path
        d="M12 2.5c-3.5 0-5.8 2.7-5.8 6.3v3.9l-2 3.6c-.3.6.1 1.3.8 1.3h14c.7 0 1.1-.7.8-1.3l-2-3.6V8.800c0-3.6-2.3-6.3-5.8-6.300Z"
        fill="currentColor"
      />
      <path d="M9.2 19.200a2.85 2.85 0 0 0 5.6 0Z" fill="currentColor" />
      <path d="M12 6.200v4.8" stroke="var(--bar)" strokeWidth="1.9" strokeLinecap="round" />
      <circle cx="12" cy="14.1" r="1.15" fill="var(--bar)" />
    </svg>
  );
}
