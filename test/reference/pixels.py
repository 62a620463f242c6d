"""Every byte as torchvision's ToTensor and Normalize make it, by channel, with ImageNet's statistics: pixels.json.

Made with torch 2.11.0 (ToTensor divides by 255, Normalize is sub_ and div_; torchvision/transforms/_functional_tensor.py).
"""
import json, os
import torch

values = torch.arange(256, dtype=torch.uint8).repeat(3, 1).to(torch.float32).div(255)
mean, deviation = (torch.tensor(v).view(3, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
table = values.sub_(mean).div_(deviation)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pixels.json")
json.dump(dict(versions=dict(torch=torch.__version__), table=[[float(f"{x:.9g}") for x in row] for row in table.tolist()]), open(path, "w"))
