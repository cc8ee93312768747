"""The published table of Bai, Kolter and Koltun (2018), trained again: `course reproduce ROW`."""
