import { Explain } from "./explain";

export default function Page() {
  return (
    <main>
      <h1>Why espresso?</h1>
      <Explain />
    </main>
  );
}
