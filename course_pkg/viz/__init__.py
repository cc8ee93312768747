"""Plots and diagrams of the course. Matplotlib is imported only when a plot is made."""
